-- Passes the mark of a run's end on, once every item that the stage before gave
-- has been dealt with here, by whichever replica.
--
-- KEYS: the stage's queue, the run, and the next queue where there is one
-- ARGV: group, consumer, the mark's entry, the run's id, stage, stage before,
--   the time now, seconds after which a run that has ended is forgotten; then the
--   keys that are forgotten with it
-- Returns 1 when it was passed on, 0 while items are left, -1 where the mark is
--   not this consumer's.
local queue, group, consumer, mark = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if not owned_by(queue, group, consumer, mark, mark)[mark] then return -1 end
local function count(field) return tonumber(call('HGET', KEYS[2], field) or '0') end
local stage, before = ARGV[5], ARGV[6]
if count(stage .. '.in') + count(stage .. '.dead') < count(before .. '.out') then return 0 end
take_off(queue, group, consumer, {mark})
if KEYS[3] then call('XADD', KEYS[3], '*', 'end', ARGV[4]) end
call('HSETNX', KEYS[2], stage .. '.done', ARGV[7])
if not KEYS[3] then
  call('EXPIRE', KEYS[2], ARGV[8])
  for at = 9, #ARGV do call('EXPIRE', ARGV[at], ARGV[8]) end
end
return 1
