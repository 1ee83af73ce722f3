-- Moves an item to the dead letters, if it is still this consumer's.
--
-- KEYS: the stage's queue, the dead letters, the run, and who waits for room in
--   the queue (a count, a list of tokens)
-- ARGV: group, consumer, entry, stage, the run's id, tries, error, the item's two
--   fields, items at which the queue has room again
-- Returns 1, or 0 where it is another's.
if not owned_by(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[3])[ARGV[3]] then return 0 end
-- First, since Redis allows it at its memory limit too, and everything after it.
-- First, as in a move: Redis allows it at its memory limit too.
take_off(KEYS[1], ARGV[1], {ARGV[3]})
redis.call('XADD', KEYS[2], '*', 'stage', ARGV[4], 'run', ARGV[5], 'tries', ARGV[6],
  'error', ARGV[7], 'm', ARGV[8], 'i', ARGV[9])
redis.call('HINCRBY', KEYS[3], ARGV[4] .. '.dead', 1)
make_room(KEYS[1], KEYS[4], KEYS[5], ARGV[10])
return 1
