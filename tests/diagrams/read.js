// Names that mean something to the languages of the drawings, then every drawing, each read by the program that it is for.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { JSDOM } from 'jsdom';

const { BASE, TOKEN_BOARD_SECRETARY: secretary, TOKEN_STRATEGY_MANAGER: manager } = process.env;
// Mermaid cleans its labels with what only a browser has.
const { window } = new JSDOM('');
Object.assign(globalThis, { window, document: window.document });
const mermaid = (await import('mermaid')).default;

async function ask(path, token, body) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const answer = await fetch(`${BASE}/api/v1/${path}`, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.text();
}

const titles = ['end', 'a"b]c);--> x', '<script>alert(1)</script>', '%%{init: {}}%% #quot; &amp; `md` **b**', 'Ünïcödé ☃ \\ back\\', 'graph subgraph'];
for (const title of titles) await ask('boards', secretary, { title, board_kind: 'project_board' });

for (const view of ['organogram', 'dependency-graph']) {
  for (const day of ['2017-06-30', '2020-10-26', undefined]) {
    const of = (format) => ask(`${view}?format=${format}${day ? `&as_of=${day}` : ''}`, manager);
    const read = await mermaid.parse(await of('mermaid'));
    assert.equal(read.diagramType, 'flowchart-v2');
    const drawn = execFileSync('dot', ['-Tsvg'], { input: await of('dot'), encoding: 'utf8' });
    const { document } = new JSDOM(drawn, { contentType: 'image/svg+xml' }).window;
    const boxes = document.querySelectorAll('g.node').length;
    assert.ok(boxes > 0, 'nothing is drawn');
    if (view === 'organogram' && !day) {
      for (const title of titles) assert.ok(document.documentElement.textContent.includes(title), `${title} is missing`);
    }
    console.log(`${view} as of ${day ?? 'now'}: ${boxes} boxes`);
  }
}
