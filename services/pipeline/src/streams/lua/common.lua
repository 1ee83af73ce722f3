-- What the scripts share; it stands before each of them.

-- Which entries between two are this consumer's, by id.
local function owned_by(queue, group, consumer, from, to)
  local owned = {}
  for _, entry in ipairs(redis.call('XPENDING', queue, group, from, to, 1000000, consumer)) do
    owned[entry[1]] = true
  end
  return owned
end

-- Takes entries off the queue for good.
local function take_off(queue, group, ids)
  redis.call('XACK', queue, group, unpack(ids))
  redis.call('XDEL', queue, unpack(ids))
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
  local waiters = redis.call('GET', waiting)
  if waiters and redis.call('XLEN', queue) <= tonumber(low) then
    redis.call('DEL', waiting)
    for _ = 1, math.min(tonumber(waiters), 64) do redis.call('RPUSH', tokens, '1') end
    redis.call('PEXPIRE', tokens, 2000)
  end
end

