-- The source's end: sets off the mark that ends the run, once.
--
-- KEYS: the first queue, the run
-- ARGV: the run's id, the time now in nanoseconds of the monotonic clock
if call('HEXISTS', KEYS[2], 'source.done') == 1 then return 0 end
call('XADD', KEYS[1], '*', 'end', ARGV[1])
call('HSET', KEYS[2], 'source.done', ARGV[2])
return 1
