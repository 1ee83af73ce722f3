-- The sink's step: counts items in the run's result and takes them off the
-- queue, at once. Where one of them is another consumer's by now nothing is
-- done: the sums come from the consumer, since adding them up here would cost
-- more than all the rest.
--
-- KEYS: the sink's queue, the run, which items have come (a bitmap), results,
--   and who waits for room in the queue (a count, a list of tokens)
-- ARGV: group, consumer, items at which the queue has room again, the oldest and
--   the newest entry; the sums of weight, tags and contents (high and low half
--   each) and bytes; how many entries, their ids; how many items that were
--   neither split nor joined, their numbers; then number and payload of each
--   that is kept
-- Returns which entries (from 1) are not this consumer's; none: it is done.
local owned = owned_by(KEYS[1], ARGV[1], ARGV[2], ARGV[4], ARGV[5])
local refused, ids = {}, {}
local at = 12
for number = 1, tonumber(ARGV[at]) do
  local id = ARGV[at + number]
  ids[number] = id
  if not owned[id] then refused[#refused + 1] = number end
end
if #refused > 0 or #ids == 0 then return refused end
-- First what Redis allows at its memory limit too, and everything after it: at
-- the sink memory becomes free.
take_off(KEYS[1], ARGV[1], ids)
redis.call('HINCRBY', KEYS[2], 'sink.in', #ids)
for sum, field in ipairs({'weight', 'tag.high', 'tag.low', 'content.high', 'content.low', 'bytes'}) do
  redis.call('HINCRBY', KEYS[2], 'sink.' .. field, ARGV[5 + sum])
end
at = at + #ids + 1
local whole = tonumber(ARGV[at])
if whole > 0 then
  local bits = {}
  for number = 1, whole do
    local bit = 4 * number
    bits[bit - 3], bits[bit - 2], bits[bit - 1], bits[bit] = 'SET', 'u1', ARGV[at + number], '1'
  end
  local doubled = 0
  for _, before in ipairs(redis.call('BITFIELD', KEYS[3], unpack(bits))) do doubled = doubled + before end
  if doubled > 0 then redis.call('HINCRBY', KEYS[2], 'sink.doubled', doubled) end
end
at = at + whole + 1
while ARGV[at] do
  redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1])
  at = at + 2
end
make_room(KEYS[1], KEYS[5], KEYS[6], ARGV[3])
return refused
