-- The source's step: adds the next items, as far as there is room. A source that
-- was killed cannot add one twice: the run knows which comes next.
--
-- KEYS: the first queue, the run, who waits for room in the queue (a count)
-- ARGV: number of the first of these items, the queue's capacity, then each
--   item's two fields
-- Returns how many were added; -1 where another number comes next, or the
--   source's end was said already.
if call('HGET', KEYS[2], 'source.out') ~= ARGV[1] then return -1 end
if call('HEXISTS', KEYS[2], 'source.done') == 1 then return -1 end
local room = tonumber(ARGV[2]) - call('XLEN', KEYS[1])
local added, at = 0, 3
while ARGV[at] and added < room do
  call('XADD', KEYS[1], '*', 'm', ARGV[at], 'i', ARGV[at + 1])
  added, at = added + 1, at + 2
end
if added > 0 then call('HINCRBY', KEYS[2], 'source.out', added) end
if ARGV[at] then wait_for_room(KEYS[3]) end
return added
