/** What takes several steps of which nobody may see the middle: Lua that the server runs as one. */

/**
 * Makes a stream and its groups, which begin at its end; what is there stays where it is.
 * KEYS: the stream, then for each group the set of its topics. ARGV: the topic, then the groups.
 */
export const DECLARE = `
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], 'none', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], 'none')
end
for i = 2, #KEYS do
  local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[i], '$')
  if made.err and not made.err:find('BUSYGROUP') then return made end
  redis.call('SADD', KEYS[i], ARGV[1])
end`;

/**
 * How many entries wait for a group or are in its hands. Redis' own `lag` would tell too many for ever after a restart from
 * the append-only file (seen on 7.0.15). What is over a thousand is not counted: there it is the length of the stream.
 * KEYS: streams. ARGV: the group.
 */
export const BACKLOG = `
local total = 0
for _, stream in ipairs(KEYS) do
  local last
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    if group[2] == ARGV[1] then
      total = total + group[6]
      last = group[8]
    end
  end
  if not last then return redis.error_reply('NOGROUP ' .. stream .. ' has no group ' .. ARGV[1]) end
  local waiting, page = 0
  repeat
    page = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 100)
    waiting = waiting + #page
    if #page > 0 then last = page[#page][1] end
  until #page < 100 or waiting >= 1000
  if waiting >= 1000 then waiting = math.max(waiting, redis.call('XLEN', stream)) end
  total = total + waiting
end
return total`;

/**
 * Drops what every group has acknowledged, once it is old enough.
 * KEYS: the stream. ARGV: milliseconds that it is kept for those who follow a broadcast.
 */
export const TRIM = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function parts(id)
  local ms, number = id:match('(%d+)-(%d+)')
  return tonumber(ms), tonumber(number)
end
local function earlier(one, other)
  local ms, number = parts(one)
  local otherMs, otherNumber = parts(other)
  return ms < otherMs or (ms == otherMs and number < otherNumber)
end
local now = redis.call('TIME')
local bound = string.format('%.0f-0', now[1] * 1000 - ARGV[1])
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local oldest = redis.call('XPENDING', KEYS[1], group[2])[2] or group[8]
  if earlier(oldest, bound) then bound = oldest end
end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', bound)`;

/**
 * Deletes the consumers of a group that have nothing in hand: with a consumer goes what it has. One that is still there is
 * made again with the next entry that it gets.
 * KEYS: the stream. ARGV: the group.
 */
export const FORGET = `
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  if consumer[4] == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer[2]) end
end`;

/** The command that runs one. */
export const run = (script: string, keys: readonly string[], args: readonly string[]): string[] => [
  'EVAL',
  script,
  String(keys.length),
  ...keys,
  ...args,
];
