// Kafka's message definitions as a flat list, one row a field: node fields.mjs <dir of common/message/*.json> <apis.json> prints it.
// A row says which versions have the field and the struct around it, where it may be null, its default, whether an encoder may drop
// it, and its tag. Only APIs that a broker's clients can call are listed.
import fs from 'node:fs';
import path from 'node:path';

const [specDir, apisFile] = process.argv.slice(2);

/** '3+', '2', '1-4' or 'none' as [least, greatest] within the message's versions, or null. */
function range(text, within) {
  if (!text || text === 'none') return null;
  const [a, b] = text.endsWith('+') ? [text.slice(0, -1), Infinity] : text.split('-');
  const r = [Math.max(+a, within[0]), Math.min(+(b ?? a), within[1])];
  return r[0] > r[1] ? null : r;
}

function definition(name) {
  const text = fs.readFileSync(path.join(specDir, name + '.json'), 'utf8').split('\n').map((l) => l.replace(/^\s*\/\/.*$/, '').replace(/\s\/\/ .*$/, '')).join('\n');
  return JSON.parse(text);
}

const camel = (name) => name[0].toLowerCase() + name.slice(1);
const zero = { bool: false, string: '', bytes: '', uuid: 'AAAAAAAAAAAAAAAAAAAAAA', int64: '0', records: null };

function defaultOf(field, structs) {
  if (field.default === 'null') return null;
  const { type } = field;
  if (type.startsWith('[]')) return [];
  const struct = structs.get(type);
  if (struct) return Object.fromEntries(struct.map((f) => [camel(f.name), defaultOf(f, structs)]));
  if (field.default === undefined) return type in zero ? zero[type] : 0;
  if (type === 'string' || type === 'bytes' || type === 'uuid') return field.default;
  if (type === 'bool') return field.default === true || field.default === 'true';
  if (type === 'int64') return BigInt(field.default).toString();
  return Number(field.default);
}

for (const api of JSON.parse(fs.readFileSync(apisFile, 'utf8'))) {
  for (const type of ['request', 'response']) {
    const message = definition(api.name + (type === 'request' ? 'Request' : 'Response'));
    const structs = new Map((message.commonStructs ?? []).map((c) => [c.name, c.fields]));
    const collect = (fields) => {
      for (const f of fields) if (f.fields) { structs.set(f.type.replace('[]', ''), f.fields); collect(f.fields); }
    };
    collect(message.fields);
    for (const c of message.commonStructs ?? []) collect(c.fields);
    const all = [api.requestVersions[0], api.latestUnstable ?? api.requestVersions[1]];
    const walk = (fields, parent, prefix) => {
      for (const f of fields) {
        const versions = range(f.versions, parent);
        if (versions === null) continue;
        const element = f.type.replace('[]', '');
        const isArray = f.type.startsWith('[]');
        const at = prefix + camel(f.name);
        const kind = structs.has(element) ? (isArray ? '[]struct' : 'struct') : f.type;
        const row = { api: api.name, type, path: at, kind, parent, versions, nullable: range(f.nullableVersions, versions), default: defaultOf(f, structs), ignorable: f.ignorable === true };
        if (f.tag !== undefined) row.tag = f.tag;
        console.log(JSON.stringify(row));
        if (structs.has(element)) walk(structs.get(element), versions, `${at}${isArray ? '[]' : ''}.`);
      }
    };
    walk(message.fields, all, '');
  }
}
