"""What a `RedisStore` lets its server do in one step, in Lua."""

from __future__ import annotations


CHANGE = """
local done = {}
for at = 1, #KEYS / 2 - 1 do
    local order, owner = KEYS[2 * at + 1], KEYS[2 * at + 2]
    local name, old, new = unpack(ARGV, 5 * at - 4, 5 * at - 2)
    local ended, owns = ARGV[5 * at - 1], ARGV[5 * at]
    local same = (redis.call('GET', order) or '') == old
    if same and (owns == '' or redis.call('EXISTS', owner) == 0) then
        if new == '' then
            redis.call('DEL', order)
            redis.call('ZREM', KEYS[1], name)
        else
            redis.call('SET', order, new)
            redis.call('ZADD', KEYS[1], 0, name)
        end
        if ended == '' then
            redis.call('ZREM', KEYS[2], name)
        else
            redis.call('ZADD', KEYS[2], ended, name)
        end
        if owns ~= '' then
            redis.call('SET', owner, owns)
        end
        done[at] = 1
    else
        done[at] = 0
    end
end
return done
"""
# What is still as it was when its time was seen to be over.
REMOVE = """
local count = 0
for at = 1, #KEYS / 2 - 1 do
    local order, owner = KEYS[2 * at + 1], KEYS[2 * at + 2]
    local name, old, owns = unpack(ARGV, 3 * at - 2, 3 * at)
    if (redis.call('GET', order) or '') == old then
        redis.call('DEL', order)
        redis.call('ZREM', KEYS[1], name)
        redis.call('ZREM', KEYS[2], name)
        if redis.call('GET', owner) == owns then
            redis.call('DEL', owner)
        end
        count = count + 1
    end
end
return count
"""
