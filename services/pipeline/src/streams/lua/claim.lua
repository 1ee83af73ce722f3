-- Takes over entries of consumers that have gone; what was taken over too often
-- goes to the dead letters instead.
--
-- KEYS: the stage's queue, the dead letters, how often entries were taken over
-- ARGV: group, consumer, milliseconds after which an entry is nobody's, where to
--   begin, the most entries, how often an entry may be delivered, stage,
--   prefix of the runs' keys (which runs they are, only the entries tell)
-- Returns where to begin next, the entries, how many went to the dead letters,
-- and how often entries were taken over, this time included.
local queue, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local claimed = call('XAUTOCLAIM', queue, group, consumer, ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local entries, buried = {}, 0
-- From here on those who had them must ask for each.
if #claimed[2] > 0 then call('INCR', KEYS[3]) end
for _, entry in ipairs(claimed[2]) do
  -- Redis 6.2 tells of entries that were deleted; there are none of ours.
  if entry then
    local id, fields = entry[1], entry[2]
    local delivered = call('XPENDING', queue, group, id, id, 1)[1][4]
    if fields[1] == 'm' and delivered > tonumber(ARGV[6]) then
      local run = string.match(fields[2], '^%S+') or '?'
      local error = 'its consumer was lost ' .. (delivered - 1) .. ' times while it had this item'
      take_off(queue, group, consumer, {id})
      call('XADD', KEYS[2], '*', 'stage', ARGV[7], 'run', run, 'tries', delivered - 1,
        'error', error, 'm', fields[2], 'i', fields[4])
      call('HINCRBY', ARGV[8] .. run, ARGV[7] .. '.dead', 1)
      buried = buried + 1
    else
      entries[#entries + 1] = entry
    end
  end
end
return {claimed[1], entries, buried, claims_of(KEYS[3])}
