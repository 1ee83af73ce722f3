-- Jobs, as they are.
--
-- ARGV: ids
-- Returns for each when it is due ('' for now or never) and its fields; nothing
--   at all for a job that is not there.
local answer = {}
for index, id in ipairs(ARGV) do
  local fields = redis.call('HGETALL', P .. id)
  if #fields > 0 then
    local due = redis.call('ZSCORE', P .. 's', id) or redis.call('ZSCORE', P .. 'f', id)
    table.insert(fields, 1, due or '')
  end
  answer[index] = fields
end
return answer
