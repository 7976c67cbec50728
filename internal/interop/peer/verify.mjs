// A peer made of the signature libraries that Misskey and PeerTube use, which share nothing with crier. Misskey's
// signs its Follows; both judge every request that comes in, as it is and falsified. The test drives it over
// /control/: POST follow with {"actor": …, "inbox": "/a/path"} lets a new actor with that inbox follow and
// answers with the status; POST arrived with {"count": n} answers with the verdicts on all requests but those for
// the actors themselves, once there are n of them, or after 20 seconds.
//
// usage: node verify.mjs  (prints its origin on standard output when it listens)
import { createServer } from "node:http";
import { once } from "node:events";
import { genRFC3230DigestHeader, genRsaKeyPair, signAsDraftToRequest } from "@misskey-dev/node-http-message-signatures";
import { covered, judge } from "./judges.mjs";

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const host = `127.0.0.1:${server.address().port}`;
const origin = `http://${host}`;
const own = await genRsaKeyPair();
const actors = new Map();
const arrived = [];
const changed = new EventTarget();
const json = { "content-type": "application/activity+json" };

const keys = new Map();
async function keyOf(id) {
  if (!keys.has(id)) {
    const response = await fetch(id, { headers: { accept: "application/activity+json" } });
    keys.set(id, (await response.json()).publicKey.publicKeyPem);
  }
  return keys.get(id);
}

async function weigh(incoming, received) {
  const request = { method: incoming.method, url: incoming.url, headers: incoming.headers };
  const [, keyID] = /keyId="([^"]*)"/.exec(request.headers.signature ?? "") ?? [];
  const body = request.method === "POST" ? received : null;
  const { verdicts, fooled } = await judge({ request, base: origin, body, key: await keyOf(keyID), now: Date.now() });
  const type = received.length ? JSON.parse(received).type : "";
  arrived.push({ method: request.method, target: request.url, type, verdicts, fooled });
  changed.dispatchEvent(new Event("arrived"));
}

async function follow({ actor, inbox }) {
  const id = `${origin}/actors/${actors.size + 1}`;
  actors.set(new URL(id).pathname, {
    "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
    id, type: "Person", preferredUsername: `actor${actors.size + 1}`, inbox: origin + inbox,
    publicKey: { id: `${id}#main-key`, owner: id, publicKeyPem: own.publicKey },
  });
  const target = new URL(`${actor}/inbox`);
  const body = JSON.stringify({
    "@context": "https://www.w3.org/ns/activitystreams", id: `${id}/follow`, type: "Follow", actor: id, object: actor,
  });
  const request = {
    method: "POST", url: target.pathname,
    headers: {
      ...json, host: target.host, date: new Date().toUTCString(), digest: await genRFC3230DigestHeader(body, "SHA-256"),
    },
  };
  await signAsDraftToRequest(request, { privateKeyPem: own.privateKey, keyId: `${id}#main-key` }, covered(body));
  const { status } = await fetch(target, { method: "POST", headers: request.headers, body });
  return { status };
}

async function arrivedAtLeast(count) {
  const signal = AbortSignal.timeout(20_000);
  try {
    while (arrived.length < count) await once(changed, "arrived", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return arrived;
}

async function control(path, args) {
  if (path === "/control/follow") return await follow(args);
  if (path === "/control/arrived") return await arrivedAtLeast(args.count);
  throw new Error(`nothing is done at ${path}`);
}

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.url.startsWith("/control/")) {
    response.writeHead(200, json).end(JSON.stringify(await control(request.url, JSON.parse(body))));
    return;
  }
  if (request.method === "GET" && actors.has(request.url)) {
    response.writeHead(200, json).end(JSON.stringify(actors.get(request.url)));
    return;
  }
  await weigh(request, body);
  const note = { "@context": "https://www.w3.org/ns/activitystreams", id: origin + request.url, type: "Note" };
  response.writeHead(request.method === "GET" ? 200 : 202, json).end(JSON.stringify(note));
}

server.on("request", (request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error.stack ?? error)));
});
console.log(origin);
