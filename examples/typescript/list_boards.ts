// Lists every board with its kind. The types are generated from the service's own description:
//   npm install && BASE=http://127.0.0.1:8080 TOKEN=$(cargo run -q -- token --role viewer) npm start

import createClient from "openapi-fetch";
import type { paths } from "./stride.js";

const client = createClient<paths>({
  baseUrl: process.env.BASE ?? "http://127.0.0.1:8080",
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});

async function pageAfter(cursor: string | null) {
  const query = { sort: "title", limit: 100, ...(cursor ? { cursor } : {}) };
  const { data, error } = await client.GET("/api/v1/boards", { params: { query } });
  // Every refusal is a problem (RFC 9457): the detail is for people, the code for programs.
  if (typeof data !== "object") throw new Error(`${error?.code}: ${error?.detail}`);
  return data;
}

let cursor: string | null = null;
do {
  const page = await pageAfter(cursor);
  for (const board of page.items) console.log(board.reference, board.board_kind, board.title);
  cursor = page.next_cursor;
} while (cursor);
