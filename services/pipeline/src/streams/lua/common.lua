-- What the scripts share; it stands before each of them.
local call = redis.call

-- Which entries between two are this consumer's, by id.
local function owned_by(queue, group, consumer, from, to)
  local owned = {}
  for _, entry in ipairs(call('XPENDING', queue, group, from, to, 1000000, consumer)) do
    owned[entry[1]] = true
  end
  return owned
end

-- How often somebody took over entries of a queue. As long as that has not
-- changed, whoever took entries off it owns them still, and need not ask for each.
local function claims_of(claims) return call('GET', claims) or '0' end

-- Takes entries off the queue for good, and returns whether it did. It does not
-- where one is not in it any more, since a step that this consumer gave up on
-- came through after all; then the others are as they were.
local function take_off(queue, group, consumer, ids)
  if call('XACK', queue, group, unpack(ids)) < #ids then
    for _, id in ipairs(ids) do
      if #call('XRANGE', queue, id, id) > 0 then
        call('XCLAIM', queue, group, consumer, 0, id, 'FORCE', 'JUSTID')
      end
    end
    return false
  end
  -- What lies before all that is in hand has been dealt with, and goes at once:
  -- Redis looks for each single entry from the beginning of its block of entries.
  local pending = call('XPENDING', queue, group)
  local gone = call('XTRIM', queue, 'MINID', pending[1] > 0 and pending[2] or ids[#ids])
  local left = #ids - gone
  if left > 0 and call('XDEL', queue, unpack(ids, gone + 1)) < left then
    -- They were not in order.
    call('XDEL', queue, unpack(ids))
  end
  return true
end

-- Says that somebody waits until the queue has room. At its memory limit Redis
-- refuses that; who waits looks again by itself.
local function wait_for_room(waiting)
  redis.pcall('INCR', waiting)
  redis.pcall('PEXPIRE', waiting, 2000)
end

-- Wakes those who wait, once the queue is down to `low`: at the first place that
-- becomes free they would come for one item each.
local function make_room(queue, waiting, tokens, low)
  local waiters = call('GET', waiting)
  if waiters and call('XLEN', queue) <= tonumber(low) then
    call('DEL', waiting)
    for _ = 1, math.min(tonumber(waiters), 64) do call('RPUSH', tokens, '1') end
    call('PEXPIRE', tokens, 2000)
  end
end

