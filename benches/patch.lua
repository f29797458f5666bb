-- Changes work-plan items with If-Match and the token $BENCH_TOKEN. Each thread has one connection (wrk -t N -c N) and an item of its own,
-- a line of the file $BENCH_RECORDS (id, version), so that no two requests for an item are under way. Later versions are those of the
-- answers.
local threads = 0
local headers, path, turn = {}, "", 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  local line = 0
  for record in io.lines(os.getenv("BENCH_RECORDS")) do
    line = line + 1
    if line == number then
      local id, version = record:match("(%S+) (%d+)")
      path = "/api/v1/work-plan-items/" .. id
      headers = { Authorization = "Bearer " .. os.getenv("BENCH_TOKEN"), ["Content-Type"] = "application/merge-patch+json",
        ["If-Match"] = '"' .. version .. '"' }
    end
  end
end

function request()
  turn = turn + 1
  return wrk.format("PATCH", path, headers, string.format('{"risk_summary":"Change %d"}', turn))
end

function response(status, answered)
  if status == 200 then headers["If-Match"] = answered["etag"] end
end
