-- Asks for the paths in the file $BENCH_PATHS, one after the other, with the token $BENCH_TOKEN and, if set, If-None-Match $BENCH_TAG.
local requests, turn = {}, 0

function init()
  local headers = { Authorization = "Bearer " .. (os.getenv("BENCH_TOKEN") or "") }
  local tag = os.getenv("BENCH_TAG")
  if tag then headers["If-None-Match"] = tag end
  for path in io.lines(os.getenv("BENCH_PATHS")) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
