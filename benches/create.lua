-- Creates work-plan items in the plan $BENCH_PLAN, no two alike, with the token $BENCH_TOKEN.
local threads = 0
local headers, body, turn = {}, "", 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  headers = { Authorization = "Bearer " .. os.getenv("BENCH_TOKEN"), ["Content-Type"] = "application/json" }
  body = '{"plan_id":"' .. os.getenv("BENCH_PLAN") .. '","item_kind":"activity","status":"in_progress","declared_rag":"amber",'
    .. '"what":"' .. string.rep("Reviews the guidance with partners and reports to the board. ", 6) .. '",'
    .. '"deadline":{"precision":"month","due_on":"2030-11-30"},"percent_complete":40,"title":"Item %d of thread %d, made at %s"}'
end

function request()
  turn = turn + 1
  return wrk.format("POST", "/api/v1/work-plan-items", headers, string.format(body, turn, number, os.getenv("BENCH_RUN")))
end
