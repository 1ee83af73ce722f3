-- Moves items on, in one step: what another consumer owns by now is left alone.
--
-- KEYS: the stage's queue, the next queue, the run, and who waits for room:
--   in the next queue (a count), in this one (a count, a list of tokens)
-- ARGV: group, consumer, stage, capacity of the next queue, items at which this
--   queue has room again, the oldest and the newest entry; then each unit: how
--   many entries, their ids, how many items came of them, each as its two fields
-- Returns how many units were dealt with, from the first on, and the numbers of
--   those (from 1) that were not this consumer's any more. The rest had no room.
local group, consumer, stage = ARGV[1], ARGV[2], ARGV[3]
local capacity = tonumber(ARGV[4])
local owned = owned_by(KEYS[1], group, consumer, ARGV[6], ARGV[7])
local depth = redis.call('XLEN', KEYS[2])
local done, refused, ids, given = 0, {}, {}, {}
local at = 8
while ARGV[at] do
  local first, entries = at + 1, tonumber(ARGV[at])
  local outs = tonumber(ARGV[first + entries])
  local out = first + entries + 1
  local own = true
  for index = first, first + entries - 1 do own = own and owned[ARGV[index]] end
  if own then
    -- Into an empty queue goes even what is more than it may hold: it would
    -- never fit otherwise.
    if outs > 0 and depth > 0 and depth + outs > capacity then break end
    for index = out, out + 2 * outs - 2, 2 do given[#given + 1] = index end
    depth = depth + outs
    for index = first, first + entries - 1 do ids[#ids + 1] = ARGV[index] end
  else
    refused[#refused + 1] = done + 1
  end
  done = done + 1
  at = out + 2 * outs
end
if #ids > 0 then
  -- First what Redis allows at its memory limit too, and everything after it: a
  -- move takes as much as it gives, and is what makes room for the source.
  take_off(KEYS[1], group, ids)
  for _, index in ipairs(given) do
    redis.call('XADD', KEYS[2], '*', 'm', ARGV[index], 'i', ARGV[index + 1])
  end
  redis.call('HINCRBY', KEYS[3], stage .. '.in', #ids)
  redis.call('HINCRBY', KEYS[3], stage .. '.out', #given)
  make_room(KEYS[1], KEYS[5], KEYS[6], ARGV[5])
end
if ARGV[at] then wait_for_room(KEYS[4]) end
return {done, refused}
