// What a caller does first, with generated types: create, read, change, page through, and be refused.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./stride.js";

type Unit = components["schemas"]["Unit"];

const { BASE, TOKEN } = process.env;
assert(BASE && TOKEN, "run by tests/clients/typescript/run");
const client = createClient<paths>({ baseUrl: BASE, headers: { Authorization: `Bearer ${TOKEN}` } });

const created: Unit[] = [];
for (let n = 0; n < 5; n += 1) {
  const { data, response } = await client.POST("/api/v1/units", {
    params: { header: { "Idempotency-Key": `typescript-${process.pid}-${n}` } },
    body: { title: `TypeScript unit ${n}`, unit_kind: "unit", aliases: ["Généré", "生成"] },
  });
  assert(data, `${response.status}`);
  assert.equal(response.headers.get("location"), `/api/v1/units/${data.id}`);
  created.push(data);
}

const first = created[0];
assert(first);
const path = { id: first.id };
const read = await client.GET("/api/v1/units/{id}", { params: { path } });
assert.deepEqual(read.data, first);
const etag = read.response.headers.get("etag");
assert(etag);

const change = (ifMatch: string) =>
  client.PATCH("/api/v1/units/{id}", {
    params: { path, header: { "If-Match": ifMatch }, query: { reason: "a test" } },
    body: { description: "Changed by a generated client" },
  });
const changed = await change(etag);
assert(changed.data, changed.error?.detail);
assert.equal(changed.data.version, 2);
assert.equal(changed.data.title, first.title);

const stale = await change(etag);
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code, "version_mismatch");

const wrong = await client.POST("/api/v1/units", { body: { title: "", unit_kind: "unit" } });
assert.equal(wrong.response.status, 422);
assert.deepEqual(wrong.error?.errors.map((e) => e.pointer), ["/title"]);

const pageAfter = async (cursor: string | null) => {
  const query = { limit: 2, sort: ["title"], q: "typescript unit", ...(cursor ? { cursor } : {}) };
  const { data, error } = await client.GET("/api/v1/units", { params: { query } });
  // A list can also be a table: CSV comes as text.
  assert(typeof data === "object", error?.detail);
  return data;
};
const found: Unit[] = [];
let cursor: string | null = null;
do {
  const page = await pageAfter(cursor);
  found.push(...page.items);
  cursor = page.next_cursor;
} while (cursor);
assert.deepEqual(
  found.map((u) => u.title),
  [0, 1, 2, 3, 4].map((n) => `TypeScript unit ${n}`),
);

console.log("TypeScript client: create, read, change, pages and problems work");
