-- The sink's step: counts items in the run's result and takes them off the
-- queue, at once. What another consumer owns by now is left alone.
--
-- KEYS: the sink's queue, the run, which items have come (a bitmap), results,
--   and who waits for room in the queue (a count, a list of tokens)
-- ARGV: group, consumer, items at which the queue has room again, the oldest and
--   the newest entry; then each item: entry, number or -1 where it was split or
--   joined, weight, tag and content (high and low half each), bytes, whether it
--   is kept, payload where it is
-- Returns the numbers (from 1) of the items that were not this consumer's.
local owned = owned_by(KEYS[1], ARGV[1], ARGV[2], ARGV[4], ARGV[5])
local refused, ids, bits, kept = {}, {}, {}, {}
local sums = {0, 0, 0, 0, 0, 0}
local number = 0
for at = 6, #ARGV, 10 do
  number = number + 1
  if owned[ARGV[at]] then
    ids[#ids + 1] = ARGV[at]
    for sum = 1, 6 do sums[sum] = sums[sum] + tonumber(ARGV[at + 1 + sum]) end
    if ARGV[at + 1] ~= '-1' then
      bits[#bits + 1] = 'SET'
      bits[#bits + 1] = 'u1'
      bits[#bits + 1] = ARGV[at + 1]
      bits[#bits + 1] = '1'
    end
    if ARGV[at + 8] == '1' then
      kept[#kept + 1] = ARGV[at + 1]
      kept[#kept + 1] = ARGV[at + 9]
    end
  else
    refused[#refused + 1] = number
  end
end
if #ids == 0 then return refused end
-- First what Redis allows at its memory limit too, and everything after it: at
-- the sink memory becomes free.
take_off(KEYS[1], ARGV[1], ids)
redis.call('HINCRBY', KEYS[2], 'sink.in', #ids)
for sum, field in ipairs({'weight', 'tag.high', 'tag.low', 'content.high', 'content.low', 'bytes'}) do
  redis.call('HINCRBY', KEYS[2], 'sink.' .. field, string.format('%.0f', sums[sum]))
end
if #bits > 0 then
  local doubled = 0
  for _, before in ipairs(redis.call('BITFIELD', KEYS[3], unpack(bits))) do doubled = doubled + before end
  if doubled > 0 then redis.call('HINCRBY', KEYS[2], 'sink.doubled', doubled) end
end
if #kept > 0 then redis.call('HSET', KEYS[4], unpack(kept)) end
make_room(KEYS[1], KEYS[5], KEYS[6], ARGV[3])
return refused
