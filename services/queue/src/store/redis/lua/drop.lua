-- Throws dead jobs away.
--
-- ARGV: ids; none: the first of all
-- Returns how many.
local ids, dropped = ARGV, 0
if #ids == 0 then ids = redis.call('ZRANGE', P .. 'd', 0, STEP - 1) end
for _, id in ipairs(ids) do
  if redis.call('ZREM', P .. 'd', id) == 1 then
    forget(id)
    count('dropped')
    dropped = dropped + 1
  end
end
finish()
return dropped
