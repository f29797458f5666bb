-- Asks for the paths in the file $BENCH_PATHS, one after the other, with the token $BENCH_TOKEN and, if set, If-None-Match $BENCH_TAG.
-- {n} in a path is another number each time, in each thread and run.
local threads = 0
local requests, turn, begun, counted = {}, 0, os.time() * 1000000, false

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  local headers = { Authorization = "Bearer " .. (os.getenv("BENCH_TOKEN") or "") }
  local tag = os.getenv("BENCH_TAG")
  if tag then headers["If-None-Match"] = tag end
  for path in io.lines(os.getenv("BENCH_PATHS")) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
    counted = counted or path:find("{n}", 1, true)
  end
end

function request()
  turn = turn + 1
  local text = requests[turn % #requests + 1]
  if not counted then return text end
  return (text:gsub("{n}", string.format("%dx%.0f", number, begun + turn)))
end
