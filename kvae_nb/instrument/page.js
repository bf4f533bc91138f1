// A page with its data baked in, as the host of the viewer: a run, two side by side, or a playground of several.
import {View, Wrong, element, fromHash, linked, sceneOf, toHash} from "./viewer.js"

async function inflated(text) {
  const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** The scene of a header in JSON, a line's end, and bytes, as the text of a script's element. */
async function sceneIn(script) {
  const bytes = await inflated(script.textContent), end = bytes.indexOf(10)
  return sceneOf(JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))), bytes.slice(end + 1))
}

function joined(first, rest) { return {header: first.header, still: {...first.still, ...rest.still}, frames: rest.frames} }

/** Rows of two numbers in a text, one behind the other; other rows, such as the names of columns, are passed over. */
export function pairsOf(text) {
  const rows = text.split(/\r?\n/).map(line => line.trim().split(/\s*[,;\t]\s*|\s+/).map(v => v === "" ? NaN : +v))
  const pairs = rows.filter(row => row.length == 2 && row.every(Number.isFinite))
  if (!pairs.length) throw new Wrong("The file should have rows of two numbers, such as 0.5,1.2.")
  return pairs.slice(0, 200000).flat()
}

/** A scene with other points, each of which belongs to the expert in whose region it lies; all are brought into the box. */
export function onPoints({header, still, frames}, pairs) {
  const n = pairs.length / 2, at = new Uint16Array(2 * n), {bounds, k} = header, box = [0, 1].map(d => {
    const values = pairs.filter((_, p) => p % 2 == d), [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
    return {low, high, out: low < bounds[2 * d] || high > bounds[2 * d + 1]}
  })
  const scaled = box.some(b => b.out), edge = box.map(({low, high}, d) => scaled ? [low - .04 * (high - low || 1), high + .04 * (high - low || 1)] : bounds.slice(2 * d, 2 * d + 2))
  pairs.forEach((v, p) => at[p] = Math.round(65535 * (v - edge[p % 2][0]) / (edge[p % 2][1] - edge[p % 2][0])))
  let before = null
  const seen = frames.map(frame => {
    const [rows, columns] = frame.winner.shape, cell = (p, size) => Math.round(at[p] / 65535 * (size - 1))
    const c = Uint16Array.from({length: n}, (_, i) => frame.winner[cell(2 * i + 1, rows) * columns + cell(2 * i, columns)])
    const sizes = new Uint32Array(k), moved = before && c.filter((j, i) => j != before[i]).length / n
    for (const j of c) sizes[j]++
    before = c
    return {t: frame.t, text: `After iteration ${frame.t}: each point is in the colour of the region that it lies in.`, flows: [], moved, sizes,
      c, second: c, margin: new Int8Array(n), winner: frame.winner, ratio: frame.ratio, samples: frame.samples}
  })
  const says = `Your ${n} points${scaled ? ", scaled into the box," : ""} in the regions of experts that were trained on other points:`
  return {header: {...header, n, of: n, title: says, bounds: edge.flat(), labels: []}, still: {at, few: new Uint32Array()}, frames: seen}
}

/** Recorded runs of which one is seen: that with the settings that are chosen, on its own points or on those of a file. */
function playground(root, view, scenes) {
  const told = scenes.map(script => JSON.parse(script.dataset.choice)), names = Object.keys(told[0])
  let pairs = null
  const chosen = () => told.findIndex(settings => names.every((name, s) => settings[name] == picks[s].value))
  const show = async () => {
    const q = chosen(), both = [scenes[q], document.querySelectorAll("script[type='application/x-kvae-rest']")[q]]
    const scene = q < 0 ? null : joined(...await Promise.all(both.map(sceneIn)))
    if (scene) view.show(pairs ? onPoints(scene, pairs) : scene)
    says.textContent = scene ? "" : "No run was recorded with these settings."
  }
  const take = async file => {
    try { pairs = file && pairsOf(await file.text()) } catch (error) { return says.textContent = error.message }
    show()
  }
  view.moves = (ids, by) => {
    const {header: {bounds: b}, still: {at}} = view.scene, size = [b[1] - b[0], b[3] - b[2]]
    pairs = Array.from(at, (v, p) => b[2 * (p % 2)] + size[p % 2] * v / 65535)
    for (const i of ids) [0, 1].forEach(d => pairs[2 * i + d] += size[d] * by[d])
    show()
  }
  const options = name => [...new Set(told.map(settings => settings[name]))].map(v => element("option", {value: v}, v))
  const picks = names.map(name => element("select", {"aria-label": name, onchange: show}, ...options(name)))
  const field = element("input", {type: "file", accept: ".csv,.txt", "aria-label": "Your points", onchange: () => take(field.files[0])})
  const own = element("button", {type: "button", onclick: () => take(null)}, "the modes again"), says = element("span", {role: "status"})
  root.addEventListener("dragover", event => event.preventDefault())
  root.addEventListener("drop", event => {
    event.preventDefault()
    take(event.dataTransfer.files[0])
  })
  view.box.prepend(element("div", {class: "row controls"}, ...picks.map((pick, s) => element("label", {}, `${names[s]} `, pick)),
    element("label", {}, "Alt or Ctrl and the mouse move a mode; your points, a CSV of two columns, chosen or dropped here: ", field), own, says))
}

/** A page with its data baked in, the last iteration first: what is wrong with it is said on it. */
export async function mountPage(root) {
  const waiting = document.getElementById("kvae-wait")
  const scripts = name => [...document.querySelectorAll(`script[type='application/x-kvae-${name}']`)]
  try {
    const all = scripts("first"), isPlayground = "choice" in all[0].dataset, some = isPlayground ? all.slice(0, 1) : all
    const firsts = await Promise.all(some.map(sceneIn)), keep = (_, state) => history.replaceState(null, "", toHash(state))
    if (firsts.length > 1) root.className = "kvs"
    const views = linked(firsts.map((scene, q) => new View(root.appendChild(element("div")), scene, q ? {} : {told: keep})))
    waiting.hidden = true
    if (document.readyState == "loading") await new Promise(done => document.addEventListener("DOMContentLoaded", done, {once: true}))
    if (!document.getElementById("kvae-end")) throw new Wrong("The file was cut: its end is missing.")
    const rests = await Promise.all(scripts("rest").slice(0, firsts.length).map(sceneIn))
    views.forEach((view, q) => view.show(joined(firsts[q], rests[q])))
    const given = () => views.filter(v => v.scene).forEach(v => v.set(fromHash(location.hash)))
    given()
    addEventListener("hashchange", given)
    if (isPlayground) playground(root, views[0], all)
    if (window.top === window) views[0].box.focus({preventScroll: true})
    return views
  } catch (error) {
    root.replaceChildren()
    waiting.hidden = false
    waiting.textContent = error instanceof Wrong ? error.message : `The recording cannot be read: the file was cut, or changed (${error.message}).`
    return []
  }
}
