-- Says that entries are being worked on, so that nobody takes them over; or, with
-- an idle time of its own, gives them back at once.
--
-- KEYS: the stage's queue
-- ARGV: group, consumer, only entries not touched for so many milliseconds, for
--   how long they are to pass for untouched
-- Returns how many.
local pending = call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', 4000, ARGV[2])
if #pending == 0 then return 0 end
local ids = {}
for _, entry in ipairs(pending) do ids[#ids + 1] = entry[1] end
ids[#ids + 1] = 'IDLE'
ids[#ids + 1] = ARGV[4]
ids[#ids + 1] = 'JUSTID'
call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, unpack(ids))
return #pending
