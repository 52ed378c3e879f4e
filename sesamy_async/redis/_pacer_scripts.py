"""What a `RedisPacer` lets its server do in one step, in Lua.

All of it is about one bucket; the time is that of the server.

state: a hash: how many requests are free (at the least, and likely), at what
    time, until when Sesamy wants none, the rate, when the last place came, how
    many have become free in all, and how many had when a full bucket was first
    used, until an answer shows that Sesamy has counted since.
queue: what waits, by priority and then by when it came; a place for two has
    two members.
waiting: the places that wait, and when to forget them.
kept: the places whose second one is kept, and when to forget them.
sent: the requests that are on their way, and when their turns came.
"""

from __future__ import annotations


KEYS = ("state", "queue", "waiting", "kept", "sent")

_BEGIN = """
-- Seconds.  A process may be killed, so what it holds runs out: who is to ask
-- again may be late, but then others pass it meanwhile; a create takes less
-- than 30 s, or else its confirm still goes before other creates; and within
-- 5 s, the service has counted a request.
local LATE, KEPT_LASTS, SENT_LASTS = 1, 30, 5
local state, queue, waiting, kept, sent = unpack(KEYS)
local most, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local id = ARGV[3]
local PRIORITY = 1e15
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local known = redis.call(
    'HMGET', state, 'free', 'likely', 'at', 'blocked', 'rate', 'last',
    'gained', 'full')
local free = tonumber(known[1]) or burst
local likely = tonumber(known[2]) or burst
local at = tonumber(known[3]) or now
local blocked = tonumber(known[4]) or 0
-- Only what Sesamy said is kept: the limit may be raised.
local told = tonumber(known[5])
local rate = math.min(most, told or most)
local last = tonumber(known[6]) or 0
local gained, full = tonumber(known[7]) or 0, tonumber(known[8])

if at > now + 1 then
    -- The clock was set back, so nobody knows when anything ends.
    redis.call('DEL', queue, waiting, kept, sent)
    blocked, full = 0, nil
    at = now
end
local more = math.max(0, now - at) * rate
at = math.max(at, now)
gained = gained + math.max(0, math.min(burst - free, more))
free = math.min(burst, free + more)
likely = math.min(burst, likely + more)

local function leave(place)
    redis.call('ZREM', queue, place, place .. '+')
    redis.call('ZREM', waiting, place)
end
for _, each in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now)) do
    leave(each)
end
redis.call('ZREMRANGEBYSCORE', kept, '-inf', now)
redis.call('ZREMRANGEBYSCORE', sent, '-inf', now - SENT_LASTS)

local function number(value)
    return string.format('%.17g', value)
end
local function done(wait, score)
    redis.call('HSET', state, 'free', free, 'likely', likely, 'at', at,
        'blocked', blocked, 'rate', told or '', 'last', number(last),
        'gained', number(gained), 'full', full and number(full) or '')
    for _, each in ipairs(KEYS) do
        redis.call('EXPIRE', each, 86400)
    end
    local left = free - redis.call('ZCARD', queue) - redis.call('ZCARD', kept)
    if now < blocked then
        left = 0
    end
    left = number(math.max(0, left))
    return {number(rate), left, number(wait), score or ''}
end
"""

RESERVE = f"""{_BEGIN}
local priority, size, before = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local longest, again = tonumber(ARGV[7]), tonumber(ARGV[8])

-- It keeps its turn, even if it is late, or all of this was lost.
local score = tonumber(ARGV[9])
if score then
    priority = math.floor(score / PRIORITY)
else
    if priority == 0 and not redis.call('ZSCORE', kept, before) then
        priority = 1  -- It was kept for too long.
    end
    last = math.max(last + 1, math.floor(now * 1e5))
    score = priority * PRIORITY + last
end
score = number(score)
local ahead = redis.call('ZCOUNT', queue, '-inf', '(' .. score)

-- How many must become free.
local missing
if priority == 0 then
    -- What was promised is not put off by a mere precaution.
    missing = ahead + 1 - likely
else
    -- More can't be saved up for them: a full bucket gains nothing.
    local others = math.min(redis.call('ZCARD', kept), burst - 1)
    missing = ahead + others + 1 - free
end
local wait = math.max(0, blocked - now)
if missing > 1e-3 then
    wait = math.max(wait, missing / rate)
end
if math.max(wait, (missing + size - 1) / rate) > longest then
    leave(id)
    return done(-1)
end

redis.call('ZREM', kept, before)
if wait > 0 then
    wait = math.min(wait, again)
    redis.call('ZADD', queue, score, id)
    if size > 1 then
        redis.call('ZADD', queue, score, id .. '+')
    end
    redis.call('ZADD', waiting, now + wait + LATE, id)
    return done(wait, score)
end
leave(id)
if free >= burst and not (full and redis.call('ZCARD', sent) > 0) then
    full = gained
end
free = free - 1
likely = likely - 1
redis.call('ZADD', sent, now, id)
if size > 1 then
    redis.call('ZADD', kept, now + KEPT_LASTS, id)
end
return done(0)
"""

END = f"""{_BEGIN}
local was_sent, ago = ARGV[4] == '1', tonumber(ARGV[5])
local said, left = tonumber(ARGV[6]), tonumber(ARGV[7])
local block = tonumber(ARGV[8])
leave(id)
local turn = redis.call('ZSCORE', sent, id)
redis.call('ZREM', sent, id)
if not was_sent then
    if turn then
        free = math.min(burst, free + 1)
        likely = math.min(burst, likely + 1)
    end
    return done(0)
end
if full and ago then
    -- Until this one was sent, Sesamy's bucket was full, and gained nothing:
    -- the first call of all waits for a token, for example.
    local never = math.max(0, gained - full - ago * rate)
    free = free - never
    likely = likely - never
    full = nil
end
-- Those that were sent later, it may not have counted yet.
local later = redis.call('ZCOUNT', sent, '(' .. (turn or '0'), '+inf')
if said then
    told = said
    rate = math.min(most, said)
end
if left then
    free = math.min(free, left - later)
    likely = math.min(likely, left)
end
if block then
    -- Then one request is free, and those that were sent later or wait for
    -- their turn share what comes after it.
    local own = 1 - block * rate
    free = math.min(free + 1, own - later)
    likely = math.min(likely + 1, own)
    blocked = math.max(blocked, now + block)
end
return done(0)
"""

GIVE_BACK = f"""{_BEGIN}
redis.call('ZREM', kept, id)
return done(0)
"""
