--[[
# How Apache takes a response from gallery's gunicorn.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
]]

-- Takes a response from its worker as fast as it comes. Without this Apache waits, at every pause of
-- the worker's, until the client has read what there is. It changes nothing else: what it says to
-- Apache are the bytes that it got, and their number, which Apache forgets when a filter may change it.
function taken(r)
    local length = r.headers_out["Content-Length"]
    coroutine.yield()
    if length then
        r.headers_out["Content-Length"] = length
    end
    local copied = 0
    while bucket do
        copied = copied + #bucket
        coroutine.yield(bucket)
    end
    -- The response waits for its client now, and so does this state: its copies need not.
    if copied > 16384 then
        collectgarbage()
    end
end
