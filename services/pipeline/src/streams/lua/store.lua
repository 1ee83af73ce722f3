-- The sink's step: counts items in the run's result and takes them off the
-- queue, at once. Where one of them is another consumer's by now nothing is
-- done: the sums come from the consumer, since adding them up here would cost
-- more than all the rest.
--
-- KEYS: the sink's queue, the run, which items have come (a bitmap), results,
--   who waits for room in the queue (a count, a list of tokens), and how often
--   entries of the queue were taken over
-- ARGV: group, consumer, items at which the queue has room again, how often
--   entries had been taken over when the first of these was taken, the oldest
--   and the newest entry; the sums of weight, tags and contents (high and low
--   half each) and bytes; how many entries, their ids; how many words, and these:
--   the steps of BITFIELD that mark the items that were neither split nor
--   joined; then number and payload of each that is kept
-- Returns which entries (from 1) are not this consumer's (none: it is done), and
-- how often entries were taken over until now.
local queue, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local first_id = 14
local last_id = first_id + tonumber(ARGV[13]) - 1
local ids = {unpack(ARGV, first_id, last_id)}

local function not_owned()
  local owned = owned_by(queue, group, consumer, ARGV[5], ARGV[6])
  local refused = {}
  for number, id in ipairs(ids) do
    if not owned[id] then refused[#refused + 1] = number end
  end
  return refused
end

-- How many bits of a number are 1.
local function ones(number)
  local count = 0
  while number > 0 do
    count = count + number % 2
    number = math.floor(number / 2)
  end
  return count
end

local claims = claims_of(KEYS[7])
-- First what Redis allows at its memory limit too, and everything after it: at
-- the sink memory becomes free.
if claims ~= ARGV[4] or not take_off(queue, group, consumer, ids) then
  local refused = not_owned()
  if #refused > 0 then return {refused, claims} end
  take_off(queue, group, consumer, ids)
end
call('HINCRBY', KEYS[2], 'sink.in', #ids)
for sum, field in ipairs({'weight', 'tag.high', 'tag.low', 'content.high', 'content.low', 'bytes'}) do
  call('HINCRBY', KEYS[2], 'sink.' .. field, ARGV[6 + sum])
end
local steps = last_id + 1
local kept = steps + tonumber(ARGV[steps]) + 1
if kept > steps + 1 then
  local doubled = 0
  for _, before in ipairs(call('BITFIELD', KEYS[3], unpack(ARGV, steps + 1, kept - 1))) do
    doubled = doubled + ones(before)
  end
  if doubled > 0 then call('HINCRBY', KEYS[2], 'sink.doubled', doubled) end
end
for at = kept, #ARGV, 2 do call('HSET', KEYS[4], ARGV[at], ARGV[at + 1]) end
make_room(queue, KEYS[5], KEYS[6], ARGV[3])
return {{}, claims}
