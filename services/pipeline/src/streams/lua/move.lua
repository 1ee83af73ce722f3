-- Moves items on, in one step: what another consumer owns by now is left alone.
--
-- KEYS: the stage's queue, the next queue, the run, and who waits for room:
--   in the next queue (a count), in this one (a count, a list of tokens); how
--   often entries of this one were taken over
-- ARGV: group, consumer, stage, capacity of the next queue, items at which this
--   queue has room again, how often entries of it had been taken over when the
--   first of these was taken, the oldest and the newest entry, how many entries, and what
--   the units are: '' where each is one entry of which one item came, else
--   `entries:items` of each; then the entries' ids, then each item's two fields
-- Returns how many units were dealt with, from the first on, the numbers of
-- those (from 1) that were not this consumer's any more, and how often entries
-- were taken over until now. The units behind those had no room.
local queue, next_queue = KEYS[1], KEYS[2]
local group, consumer, stage, capacity = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local entries, shapes = tonumber(ARGV[9]), ARGV[10]
local first_id = 11
local depth = call('XLEN', next_queue)

local function units()
  if shapes ~= '' then
    local next_shape = string.gmatch(shapes, '(%d+):(%d+)')
    return function()
      local of_entries, of_items = next_shape()
      if of_entries then return tonumber(of_entries), tonumber(of_items) end
    end
  end
  local left = entries
  return function()
    left = left - 1
    if left >= 0 then return 1, 1 end
  end
end

-- The units, from the first on, that are owned and have room; where `owned` is
-- not given, all are.
local function choose(owned)
  local chosen = {units = 0, refused = {}, ids = {}, items = {}, has_room = true}
  local id, item, ids, items = first_id, first_id + entries, 0, 0
  for of_entries, of_items in units() do
    local own = true
    if owned then
      for index = id, id + of_entries - 1 do own = own and owned[ARGV[index]] end
    end
    if own then
      -- Into an empty queue goes even what is more than it may hold: it would
      -- never fit otherwise.
      local filled = depth + items
      chosen.has_room = of_items == 0 or filled == 0 or filled + of_items <= capacity
      if not chosen.has_room then break end
      for index = id, id + of_entries - 1 do
        ids = ids + 1
        chosen.ids[ids] = ARGV[index]
      end
      for index = item, item + 2 * of_items - 2, 2 do
        items = items + 1
        chosen.items[items] = index
      end
    else
      chosen.refused[#chosen.refused + 1] = chosen.units + 1
    end
    chosen.units = chosen.units + 1
    id, item = id + of_entries, item + 2 * of_items
  end
  return chosen
end

-- First what Redis allows at its memory limit too, and everything after it: a move
-- takes as much as it gives, and is what makes room for the source.
local function take_off_chosen(owned)
  local chosen = choose(owned)
  if #chosen.ids == 0 or take_off(queue, group, consumer, chosen.ids) then return chosen end
end

local claims = claims_of(KEYS[7])
local chosen = claims == ARGV[6] and take_off_chosen()
  or take_off_chosen(owned_by(queue, group, consumer, ARGV[7], ARGV[8]))
if #chosen.ids > 0 then
  for _, index in ipairs(chosen.items) do
    call('XADD', next_queue, '*', 'm', ARGV[index], 'i', ARGV[index + 1])
  end
  call('HINCRBY', KEYS[3], stage .. '.in', #chosen.ids)
  call('HINCRBY', KEYS[3], stage .. '.out', #chosen.items)
  make_room(queue, KEYS[5], KEYS[6], ARGV[5])
end
if not chosen.has_room then wait_for_room(KEYS[4]) end
return {chosen.units, chosen.refused, claims}
