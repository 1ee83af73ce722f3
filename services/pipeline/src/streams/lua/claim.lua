-- Takes over entries of consumers that have gone; what was taken over too often
-- goes to the dead letters instead.
--
-- KEYS: the stage's queue, the dead letters
-- ARGV: group, consumer, milliseconds after which an entry is nobody's, where to
--   begin, the most entries, how often an entry may be delivered, stage,
--   prefix of the runs' keys (which runs they are, only the entries tell)
-- Returns where to begin next, the entries, and how many went to the dead letters.
local group, consumer = ARGV[1], ARGV[2]
local claimed = redis.call('XAUTOCLAIM', KEYS[1], group, consumer, ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local entries, buried = {}, 0
for _, entry in ipairs(claimed[2]) do
  -- Redis 6.2 tells of entries that were deleted; there are none of ours.
  if entry then
    local id, fields = entry[1], entry[2]
    local delivered = redis.call('XPENDING', KEYS[1], group, id, id, 1)[1][4]
    if fields[1] == 'm' and delivered > tonumber(ARGV[6]) then
      local run = string.match(fields[2], '^%S+') or '?'
      local error = 'its consumer was lost ' .. (delivered - 1) .. ' times while it had this item'
      take_off(KEYS[1], group, {id})
      redis.call('XADD', KEYS[2], '*', 'stage', ARGV[7], 'run', run, 'tries', delivered - 1,
        'error', error, 'm', fields[2], 'i', fields[4])
      redis.call('HINCRBY', ARGV[8] .. run, ARGV[7] .. '.dead', 1)
      buried = buried + 1
    else
      entries[#entries + 1] = entry
    end
  end
end
return {claimed[1], entries, buried}
