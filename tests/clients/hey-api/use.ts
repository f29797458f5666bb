// What a caller does first, with a generated client: create, change with the ETag, list all pages, and handle a problem by its code.

import assert from "node:assert/strict";
import { createUnit, getUnit, listUnits, updateUnit } from "./client";
import { client } from "./client/client.gen";
import type { ProblemBody, ProblemCode, Unit } from "./client";

const { BASE, TOKEN } = process.env;
assert(BASE && TOKEN, "run by tests/clients/hey-api/run");
client.setConfig({ baseUrl: BASE, auth: () => TOKEN });

const created: Unit[] = [];
for (let n = 0; n < 5; n += 1) {
  const { data, error } = await createUnit({
    body: { title: `Hey unit ${n}`, unit_kind: "unit", aliases: ["Généré"] },
    headers: { "Idempotency-Key": `hey-${process.pid}-${n}` },
  });
  assert(data, error?.detail);
  created.push(data);
}

const first = created[0];
assert(first);
const path = { id: first.id };
const read = await getUnit({ path });
assert.deepEqual(read.data, first);
const etag = read.response?.headers.get("etag");
assert(etag);

const change = (ifMatch: string) =>
  updateUnit({ path, headers: { "If-Match": ifMatch }, body: { description: "Changed by a generated client" } });
const changed = await change(etag);
assert.equal(changed.data?.version, 2);
assert.equal(changed.data?.title, first.title);

const remedy = (problem: ProblemBody): string => {
  const code: ProblemCode = problem.code;
  switch (code) {
    case "version_mismatch":
      return "read again";
    case "invalid_body":
      return problem.errors.map((e) => e.pointer).join();
    default:
      return problem.detail;
  }
};
const stale = await change(etag);
assert(stale.error);
assert.equal(remedy(stale.error), "read again");
const wrong = await createUnit({ body: { title: "", unit_kind: "unit" } });
assert(wrong.error);
assert.equal(remedy(wrong.error), "/title");

const found: Unit[] = [];
let cursor: string | null = null;
do {
  const query: { limit: number; sort: string[]; q: string; cursor?: string } = { limit: 2, sort: ["title"], q: "hey unit" };
  if (cursor) query.cursor = cursor;
  const { data, error } = await listUnits({ query });
  // A list can also be a table: CSV comes as text.
  assert(data && typeof data === "object" && "items" in data, error?.detail);
  found.push(...data.items);
  cursor = data.next_cursor;
} while (cursor);
assert.deepEqual(
  found.map((u) => u.title),
  [0, 1, 2, 3, 4].map((n) => `Hey unit ${n}`),
);

console.log("hey-api client: create, change, pages and problems work");
