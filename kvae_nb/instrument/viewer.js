// Draws the recording of a run: points, curves and experts, iteration by iteration. It knows nothing of its host, which
// is a widget (the default export, for anywidget), or a page with the data baked in (page.js).

// ---- Pure functions

const TYPES = {u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, f4: Float32Array}
export const CHANGED = "The recording does not fit its data"

/** A sentence that says what is wrong, for the reader. */
export class Wrong extends Error {}

/** Arrays by name, of what Python laid one behind the other; `delta` means differences along the first axis. */
export function arraysOf(table, bytes) {
  const wanted = table.reduce((sum, a) => sum + a.bytes, 0)
  if (bytes.byteLength != wanted) throw new Wrong(`The file was cut: ${bytes.byteLength} of ${wanted} bytes are there.`)
  const arrays = {}
  let at = 0
  for (const {name, type, shape, delta, bytes: size} of table) {
    const values = new TYPES[type](bytes.slice(at, at + size).buffer)
    const length = shape.reduce((a, b) => a * b, 1)
    if (values.length != length) throw new Wrong(`${CHANGED}: ${name} should have ${length} values, not ${values.length}.`)
    const stride = length / Math.max(shape[0], 1)
    if (delta) for (let i = stride; i < length; i++) values[i] += values[i - stride]
    arrays[name] = Object.assign(values, {shape})
    at += size
  }
  return arrays
}

/** Row `i` of an array with a shape. */
export function row(array, i) {
  const size = array.length / array.shape[0]
  return Object.assign(array.subarray(i * size, (i + 1) * size), {shape: array.shape.slice(1)})
}

/** The frames of a scene whose arrays hold all iterations, one iteration after the other. */
export function framesOf(headers, arrays) {
  return headers.map((header, i) => {
    const frame = {...header}
    for (const name in arrays) frame[name] = row(arrays[name], i)
    return frame
  })
}

/** What does not fit in a scene, as a sentence; empty where all fits. */
export function fault(scene) {
  const {n, k} = scene.header
  if (scene.still.at.length != 2 * n) return `${CHANGED}: ${scene.still.at.length / 2} places of ${n} points.`
  for (const frame of scene.frames) {
    if (frame.c.length != n) return `${CHANGED}: ${frame.c.length} assignments of ${n} points.`
    if (frame.sizes.length != k) return `${CHANGED}: ${frame.sizes.length} sizes of ${k} experts.`
    const most = frame.c.reduce((a, j) => Math.max(a, j), 0)
    if (most >= k) return `${CHANGED}: a point of expert ${most}, and there are ${k}.`
  }
  return scene.frames.length ? "" : "The recording has no iterations yet."
}

/** Nats are kept in a byte each, 8 steps for each doubling of 1 + nats; -128 stands for none. */
export function nats(byte) { return byte == -128 ? NaN : Math.sign(byte) * (2 ** (Math.abs(byte) / 8) - 1) }

/** How many points each expert (row) gave to each (column), `k` x `k`. */
export function given(before, after, k) {
  const counts = new Uint32Array(k * k)
  for (let i = 0; i < after.length; i++) counts[before[i] * k + after[i]]++
  return counts
}

/** The commonest label of each expert and its share, `[label, share]`; nothing where there are too many to count. */
export function commonest(c, y, k, n) {
  if (k * n > 1e6) return []
  const counts = new Uint32Array(k * n)
  for (let i = 0; i < c.length; i++) counts[c[i] * n + y[i]]++
  return Array.from({length: k}, (_, j) => {
    const its = counts.subarray(j * n, (j + 1) * n), most = its.reduce((best, v, q) => v > its[best] ? q : best, 0)
    return [most, its[most] / its.reduce((a, b) => a + b, 0)]
  })
}

/** Positions among `few` points of an expert's members, those first that it holds by the largest margin, or the least. */
export function membersOf({c, margin}, few, expert, doubtful = false) {
  const mine = Array.from(few.keys()).filter(q => c[few[q]] == expert), sign = doubtful ? 1 : -1
  return mine.sort((a, b) => sign * (margin[few[a]] - margin[few[b]]))
}

/** Is a point inside of a polygon `[[x, y], ...]`? */
export function inside(polygon, x, y) {
  let within = false
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j]
    if ((yi > y) != (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi) within = !within
  }
  return within
}

/** The points, places `(x, y)` one after the other, that lie in a polygon of the same units. */
export function insideAll(polygon, at) {
  const xs = polygon.map(p => p[0]), ys = polygon.map(p => p[1])
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const chosen = []
  for (let i = 0; 2 * i < at.length; i++) {
    const x = at[2 * i], y = at[2 * i + 1]
    if (x >= left && x <= right && y >= low && y <= high && inside(polygon, x, y)) chosen.push(i)
  }
  return Uint32Array.from(chosen)
}

/** The point that is nearest to `(x, y)`, distances weighed by `[wx, wy]`; -1 where none is within `reach`. */
export function nearest(at, x, y, reach, [wx, wy] = [1, 1]) {
  let best = -1, least = reach * reach
  for (let i = 0; 2 * i < at.length; i++) {
    const far = (wx * (at[2 * i] - x)) ** 2 + (wy * (at[2 * i + 1] - y)) ** 2
    if (far < least) [best, least] = [i, far]
  }
  return best
}

/** For each expert the member that is nearest to the mean of its members; -1 without members. */
export function middles(at, c, k) {
  const sums = new Float64Array(3 * k), best = new Int32Array(k).fill(-1), least = new Float64Array(k).fill(Infinity)
  for (let i = 0; i < c.length; i++) {
    sums[3 * c[i]]++
    sums[3 * c[i] + 1] += at[2 * i]
    sums[3 * c[i] + 2] += at[2 * i + 1]
  }
  for (let i = 0; i < c.length; i++) {
    const j = c[i], dx = at[2 * i] - sums[3 * j + 1] / sums[3 * j], dy = at[2 * i + 1] - sums[3 * j + 2] / sums[3 * j]
    if (dx * dx + dy * dy < least[j]) {
      best[j] = i
      least[j] = dx * dx + dy * dy
    }
  }
  return best
}

/** Round numbers between two values, about `n`. */
export function ticks(low, high, n = 4) {
  if (!(high > low)) return [low]
  const rough = (high - low) / n, power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find(m => m * power >= .7 * rough) ?? 10)
  const list = []
  for (let v = Math.ceil(low / step) * step; v <= high + 1e-9 * step; v += step) list.push(Math.abs(v) < step / 1e6 ? 0 : v)
  return list
}

/** Experts whose number or share text fits what is typed, the largest first; without words as they are numbered. */
export function listed(sizes, words, most = 60) {
  const all = Array.from(sizes, (size, j) => ({j, size}))
  const wanted = words.trim().split(/[\s,]+/).filter(Boolean).map(Number).filter(Number.isInteger)
  const some = wanted.length ? all.filter(e => wanted.includes(e.j)) : all
  if (sizes.length > most && !wanted.length) some.sort((a, b) => b.size - a.size || a.j - b.j)
  return {shown: some.slice(0, most), left: Math.max(0, some.length - most)}
}

/** State as the address keeps it, and back. */
export function toHash(state) {
  const kept = {i: state.i, expert: state.expert, below: state.below, zoom: state.zoom && state.zoom.map(v => +v.toFixed(4)).join()}
  return "#" + Object.entries(kept).filter(([, v]) => v !== undefined && v !== null && v !== "").map(p => p.join("=")).join("&")
}

export function fromHash(hash) {
  const given = Object.fromEntries(new URLSearchParams(hash.slice(1)))
  const whole = v => /^\d{1,9}$/.test(v ?? "") ? +v : undefined
  const zoom = (given.zoom ?? "").split(",").map(Number)
  const state = {i: whole(given.i), expert: whole(given.expert), zoom: zoom.length == 3 && zoom.every(Number.isFinite) && zoom[2] > 0 ? zoom : undefined}
  if (["regions", "ratio", "nothing"].includes(given.below)) state.below = given.below
  return Object.fromEntries(Object.entries(state).filter(([, v]) => v !== undefined))
}

/** `[r, g, b]` of a colour such as #3f90da. */
export function rgb(hex) { return [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)) }

/** Numbers in a sentence. */
export function number(v, digits = 5) { return Number.isFinite(v) ? +v.toPrecision(digits) + "" : "none" }

// ---- Painters of points: WebGL2, and pixels of a 2-d canvas where there is none

const VERTEX = `#version 300 es
in vec2 at; in float now; in float was; in float mark;
uniform vec4 view; uniform float size, part, chosen, dimmed, many; uniform vec3 palette[10]; uniform vec3 pale;
out vec4 colour; out float ring; flat out int shape;
void main() {
  gl_Position = vec4(at * view.xy + view.zw, 0., 1.);
  vec3 before = palette[int(was) % 10], after = palette[int(now) % 10];
  bool away = chosen >= 0. && int(now) != int(chosen);
  bool unmarked = dimmed > 0. && mod(mark, 2.) < 1.;
  colour = vec4(away ? pale : mix(before, after, part), away ? .5 : unmarked ? .12 : .85);
  ring = mark >= 2. && !away && !unmarked ? .6 : 0.;
  shape = many > 0. ? (int(now) / 10) % 10 : 0;
  gl_PointSize = size * (ring > 0. ? 2. : 1.);
}`
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 colour; in float ring; flat in int shape; uniform vec3 ink; uniform float size; out vec4 pixel;
float beam(vec2 p) { p = abs(p); return min(max(p.x - .3, p.y - .9), max(p.y - .3, p.x - .9)); }
float outside(vec2 p) {
  if (shape == 1) return max(abs(p.x) * .87 + p.y * .5, -p.y) - .5;
  if (shape == 4) return max(abs(p.x) * .87 - p.y * .5, p.y) - .5;
  if (shape == 8) return max(abs(p.y) * .87 + p.x * .5, -p.x) - .5;
  if (shape == 9) return max(abs(p.y) * .87 - p.x * .5, p.x) - .5;
  if (shape == 2) return max(abs(p.x), abs(p.y)) - .75;
  if (shape == 3) return abs(p.x) + abs(p.y) - .95;
  if (shape == 5) return beam(p);
  if (shape == 6) return length(p) - (.6 + .3 * cos(5. * atan(p.x, p.y)));
  if (shape == 7) return beam(vec2(p.x + p.y, p.x - p.y) * .707);
  return length(p) - .85;
}
void main() {
  vec2 p = 2. * gl_PointCoord - 1.; p.y = -p.y;
  float far = length(p);
  bool rim = ring > 0. && far > 1. - 2.6 / size && far < 1.;
  float a = rim ? ring : colour.a * (1. - smoothstep(-.1, .1, outside(ring > 0. ? 2. * p : p)));
  if (a < .02) discard;
  pixel = vec4((rim ? ink : colour.rgb) * a, a);
}`

function shaderOf(gl, kind, source) {
  const shader = gl.createShader(kind)
  gl.shaderSource(shader, source)
  gl.compileShader(shader)
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader))
  return shader
}

/** Points by WebGL2. */
class GLPoints {
  constructor(canvas) {
    this.gl = canvas.getContext("webgl2", {premultipliedAlpha: true, antialias: false})
    if (!this.gl) throw new Error("no WebGL2")
    const gl = this.gl, program = this.program = gl.createProgram()
    gl.attachShader(program, shaderOf(gl, gl.VERTEX_SHADER, VERTEX))
    gl.attachShader(program, shaderOf(gl, gl.FRAGMENT_SHADER, FRAGMENT))
    gl.linkProgram(program)
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program))
    gl.useProgram(program)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    this.buffers = {}
    this.held = {}
  }
  uniform(name) { return this.gl.getUniformLocation(this.program, name) }
  fill(name, values, size = 1) {
    if (this.held[name] === values) return
    const gl = this.gl, place = gl.getAttribLocation(this.program, name)
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name] ??= gl.createBuffer())
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW)
    gl.enableVertexAttribArray(place)
    const type = values.BYTES_PER_ELEMENT == 1 ? gl.UNSIGNED_BYTE : gl.UNSIGNED_SHORT
    gl.vertexAttribPointer(place, size, type, false, 0, 0)
    this.held[name] = values
  }
  draw(points, look) {
    const gl = this.gl, {width, height} = gl.canvas
    gl.viewport(0, 0, width, height)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    this.fill("at", points.at, 2)
    for (const name of ["now", "was", "mark"]) this.fill(name, points[name])
    const [ax, ay, bx, by] = look.view
    gl.uniform4f(this.uniform("view"), 2 * ax / width, -2 * ay / height, 2 * bx / width - 1, 1 - 2 * by / height)
    for (const name of ["size", "part", "chosen", "dimmed", "many"]) gl.uniform1f(this.uniform(name), look[name])
    gl.uniform3fv(this.uniform("palette"), look.palette.flatMap(c => c.map(v => v / 255)))
    for (const name of ["pale", "ink"]) gl.uniform3fv(this.uniform(name), look[name].map(v => v / 255))
    gl.drawArrays(gl.POINTS, 0, points.now.length)
  }
  isSoft() {
    const names = this.gl.getExtension("WEBGL_debug_renderer_info")
    return names !== null && /swiftshader|llvmpipe|software/i.test(this.gl.getParameter(names.UNMASKED_RENDERER_WEBGL))
  }
  free() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext()
  }
}

/** The same as squares of pixels. */
class PixelPoints {
  constructor(canvas) { this.context = canvas.getContext("2d") }
  draw(points, look) {
    const {width, height} = this.context.canvas
    if (!width || !height) return
    const image = this.context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer)
    const pack = c => (255 << 24 | c[2] << 16 | c[1] << 8 | c[0]) >>> 0
    const colours = look.palette.map(pack), pale = pack(look.pale), ink = pack(look.ink), side = Math.max(1, Math.round(look.size * .8))
    const [ax, ay, bx, by] = look.view, {at, now, mark} = points
    const square = (x, y, s, colour) => {
      const x1 = Math.min(width, x + s), y1 = Math.min(height, y + s)
      for (let r = Math.max(0, y); r < y1; r++) for (let q = Math.max(0, x); q < x1; q++) pixels[r * width + q] = colour
    }
    for (let i = 0; i < now.length; i++) {
      const x = Math.round(at[2 * i] * ax + bx - side / 2), y = Math.round(at[2 * i + 1] * ay + by - side / 2)
      const away = look.chosen >= 0 && now[i] != look.chosen || look.dimmed && !(mark[i] & 1)
      if (mark[i] & 2 && !away) square(x - 1, y - 1, side + 2, ink)
      square(x, y, side, away ? pale : colours[now[i] % 10])
    }
    this.context.putImageData(image, 0, 0)
  }
  free() {}
}

// ---- The page's elements

const SOFT = 20000  // points up to which WebGL is used where the processor does its work; above, pixels are ten times as fast
const SIGNS = "●▲■◆▼✚★✖◀▶"
const CSS = `
.kv { --ink: #222; --soft: #666; --line: #ccc; --ground: #fff; --field: #f4f4f4; color: var(--ink); background: var(--ground);
  font: 13px/1.4 system-ui, sans-serif; padding: 6px; box-sizing: border-box; max-width: 1100px; outline: none }
.kv.dark { --ink: #eee; --soft: #aaa; --line: #555; --ground: #16181c; --field: #24272d }
.kv:focus-visible { outline: 2px solid #3f90da }
.kv * { box-sizing: border-box } .kv [hidden] { display: none !important } .kv p { margin: 2px 0 }
.kv .head b { margin-right: 8px } .kv .note { color: var(--soft) } .kv .wrong { font-weight: bold }
.kv .row { display: flex; flex-wrap: wrap; gap: 8px; align-items: flex-start }
.kv .plane { position: relative; flex: 3 1 380px; height: 420px; border: 1px solid var(--line); overflow: hidden; touch-action: none; cursor: crosshair }
.kv .plane canvas { position: absolute; inset: 0; width: 100%; height: 100% }
.kv .tip { position: absolute; pointer-events: none; background: var(--ground); border: 1px solid var(--line); padding: 3px 6px; border-radius: 3px; max-width: 260px; z-index: 3 }
.kv .tip img, .kv .tip canvas { position: static; width: 56px; height: 56px; image-rendering: pixelated; display: block }
.kv .side { flex: 1 1 250px; max-height: 420px; overflow: auto; min-width: 180px }
.kv .expert { display: grid; grid-template-columns: 18px 40px 1fr; width: 100%; gap: 4px; border: 0; background: none; color: inherit; font: inherit; text-align: left; padding: 1px 2px; cursor: pointer }
.kv .expert[aria-pressed=true] { background: var(--field); font-weight: bold }
.kv .bar { position: relative; white-space: nowrap; overflow: hidden; text-overflow: ellipsis } .kv .bar i { position: absolute; inset: 3px auto 3px 0; opacity: .45 } .kv .bar span { position: relative; padding-left: 3px }
.kv .controls { margin: 6px 0; align-items: center } .kv .controls input[type=range] { flex: 1 1 160px }
.kv button, .kv select, .kv input[type=search] { background: var(--field); color: var(--ink); border: 1px solid var(--line); border-radius: 3px; font: inherit; padding: 2px 7px }
.kv button[aria-pressed=true] { border-color: var(--ink) }
.kv .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 8px }
.kv .chart { position: relative; height: 120px; cursor: col-resize; touch-action: none } .kv .chart canvas { width: 100%; height: 100% }
.kv .cursor { position: absolute; top: 16px; bottom: 14px; width: 2px; background: var(--soft); opacity: .6; pointer-events: none }
.kv .wall .row { align-items: center; gap: 4px 14px; margin: 2px 0 } .kv .wall canvas { image-rendering: pixelated } .kv .wall .expert { width: 60px }
.kv .flow { height: 220px; cursor: default } .kv .flow select { position: absolute; right: 0; top: -4px }
.kv .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.kvs { display: flex; flex-wrap: wrap; gap: 8px } .kvs > div { flex: 1 1 460px; min-width: 0 }
`

export function element(tag, about = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value)
    else if (name == "class") made.className = value
    else made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

/** The context of a canvas that is made as large as it is shown, in pixels of the page. */
function fitted(canvas, w, h) {
  const ratio = devicePixelRatio || 1, context = Object.assign(canvas, {width: w * ratio, height: h * ratio}).getContext("2d")
  context.scale(ratio, ratio)
  return context
}

/** Is the page around an element dark: JupyterLab, the site, or the reader's own choice? */
export function isDark(document, ask = query => matchMedia(query).matches) {
  const light = document.body?.dataset.jpThemeLight
  if (light) return light == "false"
  try {
    const scheme = document.defaultView.parent.document.body.dataset.mdColorScheme
    if (scheme) return scheme == "slate"
  } catch { /* the page around is another's */ }
  return ask("(prefers-color-scheme: dark)")
}

/** Images side by side, `across` in a line, each `pixels` high on the page. */
function mosaic(images, across, pixels) {
  if (!images.length) return element("span", {class: "note"}, "none")
  const [h, w, channels] = images[0].shape, lines = Math.ceil(images.length / across), wide = Math.min(across, images.length)
  const canvas = element("canvas", {width: wide * (w + 1), height: lines * (h + 1), style: `height: ${lines * pixels}px; width: ${wide * pixels * w / h}px`})
  const context = canvas.getContext("2d"), image = context.createImageData(w, h)
  images.forEach(({data}, n) => {
    for (let p = 0; p < w * h; p++) {
      for (let q = 0; q < 3; q++) image.data[4 * p + q] = data[channels * p + (channels < 3 ? 0 : q)]
      image.data[4 * p + 3] = 255
    }
    context.putImageData(image, n % across * (w + 1), Math.floor(n / across) * (h + 1))
  })
  return canvas
}

/** The images of an array `(m, h, w, channels)`. */
function imagesOf(array) { return Array.from({length: array.shape[0]}, (_, n) => row(array, n)).map(data => ({data, shape: array.shape.slice(1)})) }

// ---- The viewer

/** A scene (see `described` in Python) drawn into an element; what the hand changes is told to `told(change, state)`. */
export class View {
  constructor(root, scene, {told = () => {}, walk = null} = {}) {
    this.told = told
    this.walk = walk  // asks for decoded codes of an expert
    this.state = {i: 0, expert: null, below: "regions", rings: true, zoom: [.5, .5, 1], lasso: false, selected: null, speed: 4, page: 0}
    this.box = element("div", {class: "kv", tabindex: 0, role: "group", "aria-label": "Recording of a run: space plays, arrows step, plus and minus zoom, 0 shows all, l is the lasso, e chooses an expert, escape lets go"})
    this.style = element("style")
    this.style.textContent = CSS
    root.append(this.style, this.box)
    this.part = 1
    this._build()
    this._listen()
    if (scene) this.show(scene)
    else this._say("Waiting for the first iteration …")
  }

  get frames() { return this.scene?.frames ?? [] }
  get frame() { return this.frames[this.state.i] }

  /** Take another scene; a fault is said in its place. */
  show(scene) {
    const wrong = fault(scene)
    if (wrong) return this._say(wrong, true)
    this._say("")
    this.scene = scene
    const {n, k, aspect, missing} = scene.header
    if (n > SOFT && this.painter.isSoft?.()) this._paint(true)
    this.marks = new Uint8Array(n)
    this.aspect = aspect
    this.was = this.codes = null
    this.plane.hidden = Boolean(missing)
    const last = scene.frames.length - 1
    this.shownC = null
    Object.assign(this.state, {i: last, zoom: [.5, .5, 1], selected: null})
    if (this.state.expert >= k) this.state.expert = null
    this.find.hidden = k <= 12
    this.below.hidden = !scene.frames[0].winner
    this.below.querySelector("[value=ratio]").disabled = !scene.frames[0].ratio
    this._dirty({curves: true})
    this._go(this.state.i)
  }

  /** A frame more, or the newest again; the view goes along unless it looks back. */
  add(frame, i) {
    const follows = this.state.i >= this.frames.length - 1
    this.frames[i] = frame
    this._dirty({curves: true})
    if (follows || i == this.state.i) this._go(follows ? i : this.state.i)
  }

  /** Change the state from outside; nothing is told. */
  set(change) {
    Object.assign(this.state, change)
    if ("expert" in change) [this.state.page, this.codes] = [0, null]
    if ("selected" in change || "rings" in change) this._mark()
    if ("i" in change && this.frames.length) this._go(Math.max(0, Math.min(change.i, this.frames.length - 1)))
    else this._dirty()
  }

  /** Change it by the reader's hand. */
  change(change) {
    this.set(change)
    this.told(change, this.state)
  }

  /** Decoded codes of an expert, or why there are none. */
  takeCodes({says, header}, bytes) {
    if (header) {
      this.set({expert: header.expert})
      this.codes = arraysOf(header.arrays, bytes).codes
      this._showWall()
    } else this.chosen.textContent = says
    this._dirty()
  }

  free() {
    this.playing = false
    this.watch?.disconnect()
    this.resize?.disconnect()
    this.painter?.free()
    this.style.remove()
    this.box.remove()
  }

  // ---- building

  _build() {
    this.title = element("b")
    this.sentence = element("span", {"aria-live": "polite"})
    this.note = element("p", {class: "note"})
    this.message = element("p", {role: "status"})
    this.under = element("canvas")
    this.over = element("canvas")
    this.tip = element("div", {class: "tip", role: "tooltip"})
    this.tip.hidden = true
    this.plane = element("div", {class: "plane"}, this.under, this.over, this.tip)
    this.list = element("div", {role: "list"})
    this.find = element("input", {type: "search", placeholder: "experts, such as 3, 17", "aria-label": "Find experts by number", oninput: () => this._dirty()})
    this.flows = element("p", {class: "note"})
    this.wall = element("div", {class: "wall"})
    this.more = element("p", {class: "note"})
    this.side = element("div", {class: "side"}, this.find, this.list, this.more)
    this.charts = element("div", {class: "charts"})
    this.main = element("div", {}, element("p", {class: "head"}, this.title, this.sentence),
      element("div", {class: "row"}, this.plane, this.side), this._controls(), this.flows, this.wall, this.charts, this.note)
    this.box.append(this.message, this.main)
    this._paint()
    this._theme()
  }

  _controls() {
    const button = (text, label, act) => element("button", {type: "button", "aria-label": label, title: label, onclick: act}, text)
    this.range = element("input", {type: "range", min: 0, max: 0, value: 0, "aria-label": "Iteration", oninput: () => this.change({i: +this.range.value})})
    this.play = button("▶", "Play or pause", () => this.toggle())
    this.speed = element("select", {"aria-label": "Iterations per second", onchange: () => { this.state.speed = +this.speed.value }},
      ...[1, 2, 4, 10, 30].map(v => element("option", {value: v, ...(v == 4 && {selected: ""})}, `${v} / s`)))
    this.below = element("select", {"aria-label": "Picture below the points", onchange: () => this.change({below: this.below.value})},
      ...["regions", "ratio", "nothing"].map(v => element("option", {value: v}, v)))
    this.rings = button("◎", "Rings around points that moved", () => this.change({rings: !this.state.rings}))
    this.lasso = button("lasso", "Select points by drawing around them", () => this.change({lasso: !this.state.lasso}))
    this.chosen = element("span", {class: "note", "aria-live": "polite"})
    const step = by => () => this.change({i: this.state.i + by})
    this.codesOf = button("codes", "What the chosen expert makes of a grid of codes", () => this.walk(this.state.expert ?? 0))
    return element("div", {class: "row controls"}, button("◀", "Back", step(-1)), this.play, button("▶|", "Forward", step(1)), this.range,
      this.speed, this.below, this.rings, this.codesOf, this.lasso,
      button("+", "Nearer", () => this._zoom(1.5)), button("−", "Further", () => this._zoom(1 / 1.5)), button("all", "Show all points", () => this.change({zoom: [.5, .5, 1]})), this.chosen)
  }

  /** The painter of points, between the picture below and what lies above; without WebGL, or when it is lost, pixels. */
  _paint(plain = false) {
    const old = this.painter
    old?.canvas.remove()
    const canvas = element("canvas", {"aria-hidden": "true"})
    try { this.painter = plain ? new PixelPoints(canvas) : new GLPoints(canvas) }
    catch { return this._paint(true) }
    this.painter.canvas = canvas
    this.over.before(canvas)
    old?.free()
    this.plain = plain ? "Drawn without WebGL, or without a graphics card: no markers, no transitions. " : ""
    canvas.addEventListener("webglcontextlost", event => {
      event.preventDefault()
      if (this.painter.canvas !== canvas) return
      this._paint(true)
      this._dirty()
    })
    this._size()
  }

  _theme() {
    this.box.classList.toggle("dark", isDark(document))
    const dark = this.box.classList.contains("dark")
    this.ink = dark ? [240, 240, 240] : [0, 0, 0]
    this.pale = dark ? [70, 74, 80] : [215, 215, 215]
    this._dirty({curves: true})
  }

  _size() {
    const ratio = devicePixelRatio || 1
    for (const canvas of [this.under, this.painter?.canvas, this.over].filter(Boolean)) {
      const [w, h] = [Math.round(this.plane.clientWidth * ratio), Math.round(this.plane.clientHeight * ratio)]
      if (canvas.width != w || canvas.height != h) Object.assign(canvas, {width: w, height: h})
    }
    this._dirty({curves: true})
  }

  _listen() {
    this.resize = new ResizeObserver(() => this._size())
    this.resize.observe(this.plane)
    this.watch = new MutationObserver(() => this._theme())
    this.watch.observe(document.body, {attributes: true, attributeFilter: ["data-jp-theme-light"]})
    try { this.watch.observe(parent.document.body, {attributes: true, attributeFilter: ["data-md-color-scheme"]}) } catch { /* another's */ }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._theme())
    this.box.addEventListener("keydown", event => this._key(event))
    this.plane.addEventListener("wheel", event => {
      event.preventDefault()
      this._zoom(1.0015 ** -event.deltaY, this._at(event))
    }, {passive: false})
    this.plane.addEventListener("pointerdown", event => this._press(event))
    this.plane.addEventListener("pointermove", event => this._move(event))
    this.plane.addEventListener("pointerup", event => this._release(event))
    this.plane.addEventListener("pointerleave", () => { this.tip.hidden = true })
  }

  // ---- the hand

  _key(event) {
    if (/INPUT|SELECT/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return
    const experts = this.scene?.header.k ?? 0, {i, expert} = this.state
    const acts = {
      " ": () => this.toggle(), ArrowRight: () => this.change({i: i + 1}), ArrowLeft: () => this.change({i: i - 1}),
      Home: () => this.change({i: 0}), End: () => this.change({i: this.frames.length - 1}),
      "+": () => this._zoom(1.5), "-": () => this._zoom(1 / 1.5), 0: () => this.change({zoom: [.5, .5, 1]}),
      l: () => this.change({lasso: !this.state.lasso}), e: () => this.change({expert: (expert ?? -1) + 1 < experts ? (expert ?? -1) + 1 : null}),
      Escape: () => this.change({expert: null, selected: null, lasso: false})}
    if (!acts[event.key]) return
    event.preventDefault()
    event.stopPropagation()
    acts[event.key]()
  }

  toggle() {
    this.playing = !this.playing
    this.play.textContent = this.playing ? "❚❚" : "▶"
    this.sentence.setAttribute("aria-live", this.playing ? "off" : "polite")
    if (this.playing && this.state.i >= this.frames.length - 1) this.change({i: 0})
    this.due = 0
    const tick = now => {
      if (!this.playing) return
      if (now >= this.due) {
        if (this.due && this.state.i < this.frames.length - 1) this.change({i: this.state.i + 1})
        this.due = now + 1000 / this.state.speed
      }
      if (this.state.i >= this.frames.length - 1) return this.toggle()
      requestAnimationFrame(tick)
    }
    if (this.playing) requestAnimationFrame(tick)
  }

  /** Where an event lies, in pixels of the plane, and in the uint16 square. */
  _at(event) {
    const {left, top} = this.plane.getBoundingClientRect(), [ax, ay, bx, by] = this._view(1)
    const [px, py] = [event.clientX - left, event.clientY - top]
    return {px, py, x: (px - bx) / ax, y: (py - by) / ay}
  }

  _press(event) {
    if (event.target.closest(".tip") || !this.scene) return
    this.box.focus({preventScroll: true})
    this.plane.setPointerCapture(event.pointerId)
    const at = this._at(event), held = (event.altKey || event.ctrlKey) && this.moves ? this._held(at) : null
    this.drag = {at, held, zoom: this.state.zoom, path: this.state.lasso || event.shiftKey ? [[at.x, at.y]] : null, far: 0}
  }

  _move(event) {
    if (!this.scene) return
    const at = this._at(event), drag = this.drag
    if (!drag) return this._hover(at)
    drag.far = Math.max(drag.far, Math.hypot(at.px - drag.at.px, at.py - drag.at.py))
    this.tip.hidden = true
    if (drag.held) drag.path = [[drag.at.x, drag.at.y], [at.x, at.y]]
    else if (drag.path) drag.path.push([at.x, at.y])
    else {
      const scale = this._scale() * drag.zoom[2]
      this.state.zoom = [drag.zoom[0] - (at.px - drag.at.px) / scale, drag.zoom[1] + (at.py - drag.at.py) / scale, drag.zoom[2]]
    }
    this._dirty()
  }

  _release(event) {
    const drag = this.drag, at = this._at(event)
    this.drag = null
    if (!drag) return
    if (drag.far < 4) {
      const i = this._near(at)
      if (i >= 0 || drag.path) this.change({selected: i < 0 ? null : Uint32Array.of(i)})
    } else if (drag.held) this.moves(drag.held, [at.x - drag.at.x, at.y - drag.at.y].map(v => v / 65535))
    else if (drag.path) this.change({selected: insideAll(drag.path, this.scene.still.at), lasso: false})
    else this.change({zoom: this.state.zoom})
  }

  /** What Alt or Ctrl and the hand move: the selection, else all with the label, or the expert, of the point that lies there. */
  _held(at) {
    const i = this._near(at, 40), {selected} = this.state, like = this.scene.still.y ?? this.frame.c
    return selected?.length ? selected : i < 0 ? null : Uint32Array.from(like.keys()).filter(p => like[p] == like[i])
  }

  _near({x, y}, pixels = 12) {
    const [ax, ay] = this._view(1)
    return nearest(this.scene.still.at, x, y, pixels, [Math.abs(ax), Math.abs(ay)])
  }

  _hover(at) {
    const i = this._near(at)
    this.tip.hidden = i < 0
    if (i < 0) return
    if (i != this.hovered || this.frame != this.hoveredIn) this._tell(i)
    this.tip.style.left = `${Math.min(at.px + 12, this.plane.clientWidth - 180)}px`
    this.tip.style.top = `${Math.min(at.py + 12, this.plane.clientHeight - this.tip.offsetHeight - 4)}px`
  }

  /** What is known of a point, as text, and its picture where it has one. */
  _tell(i) {
    [this.hovered, this.hoveredIn] = [i, this.frame]
    this.tip.replaceChildren(...this.words(i).map(text => element("div", {}, text)))
    const thumb = this._thumb(i)
    if (thumb) this.tip.append(mosaic([thumb], 1, 56))
  }

  words(i) {
    const {still, header} = this.scene, {c, second, margin, score} = this.frame
    const says = [`point ${still.ids ? still.ids[i] : i}`], ahead = nats(margin[i]), its = nats(score?.[this._few(i)] ?? -128)
    if (Number.isFinite(its)) says.push(`expert ${c[i]}: ${number(its, 2)} nats`)
    else says.push(ahead ? `expert ${c[i]}, ${number(ahead, 2)} nats ahead of expert ${second[i]}` : `expert ${c[i]}`)
    if (Number.isFinite(its) && second[i] != c[i]) says.push(`runner-up ${second[i]}: ${number(its - ahead, 2)} nats`)
    if (still.y) says.push(`label ${header.labels[still.y[i]]}`)
    return says
  }

  /** A point's place among those of which more is known. */
  _few(i) {
    this.scene.places ??= new Map(Array.from(this.scene.still.few, (id, place) => [id, place]))
    return this.scene.places.get(i)
  }

  _thumb(i) {
    const {thumbs} = this.scene.still, place = this._few(i)
    return thumbs && place !== undefined ? {data: row(thumbs, place), shape: thumbs.shape.slice(1)} : null
  }

  _zoom(by, at) {
    const [cx, cy, zoom] = this.state.zoom, next = Math.max(.5, Math.min(200, zoom * by))
    const [ux, uy] = at ? [at.x / 65535 * this.aspect[0] + .5 - this.aspect[0] / 2, at.y / 65535 * this.aspect[1] + .5 - this.aspect[1] / 2] : [cx, cy]
    this.change({zoom: [ux + (cx - ux) * zoom / next, uy + (cy - uy) * zoom / next, next]})
  }

  // ---- the state drawn

  _go(i) {
    this.was = this.shownC ?? this.frames[i].c
    this.state.i = i
    this.shownC = this.frame.c
    if (this.was.length != this.shownC.length) this.was = this.shownC
    this.began = matchMedia("(prefers-reduced-motion: reduce)").matches ? -1e9 : performance.now()
    this._mark()
    this._dirty()
  }

  /** Bits of each point: 1 selected, 2 moved in this iteration. */
  _mark() {
    if (!this.frame) return
    const marks = new Uint8Array(this.frame.c.length), now = this.frame.c, before = this.frames[this.state.i - 1]?.c
    for (const id of this.state.selected ?? []) marks[id] = 1
    if (before && this.state.rings) for (let p = 0; p < now.length; p++) if (now[p] != before[p]) marks[p] |= 2
    this.marks = marks
  }

  _dirty({curves = false} = {}) {
    this.curvesDue ||= curves
    if (this.asked) return
    this.asked = true
    requestAnimationFrame(now => {
      this.asked = false
      if (this.frame && this.box.isConnected) this.draw(now)
    })
  }

  _say(text, wrong = false) {
    this.message.textContent = text
    this.message.className = wrong ? "wrong" : ""
    this.main.style.display = text ? "none" : ""
  }

  _scale() { return Math.min(this.plane.clientWidth, this.plane.clientHeight) * .96 }

  /** `x * ax + bx`, `y * ay + by`: from the uint16 square to pixels. */
  _view(ratio = devicePixelRatio || 1) {
    const [cx, cy, zoom] = this.state.zoom, scale = this._scale() * zoom * ratio, [w, h] = this.aspect
    const x0 = .5 - w / 2, y0 = .5 - h / 2
    return [scale * w / 65535, -scale * h / 65535, this.plane.clientWidth * ratio / 2 + (x0 - cx) * scale, this.plane.clientHeight * ratio / 2 - (y0 - cy) * scale]
  }

  draw(now) {
    if (this.plane.clientWidth && !this.over.width) this._size()
    const {header, still} = this.scene, {expert, selected, zoom} = this.state
    const part = this.plain ? 1 : Math.max(0, Math.min(1, (now - this.began) / Math.min(250, 900 / this.state.speed)))
    const k = header.k, many = k > 10, ratio = devicePixelRatio || 1
    const size = Math.max(many ? 5 : 2.5, Math.min(7, 320 / Math.sqrt(header.n))) * Math.min(2.5, Math.sqrt(Math.max(1, zoom[2]))) * ratio
    this.painter.draw({at: still.at, now: this.frame.c, was: this.was, mark: this.marks},
      {view: this._view(), size, part, many: +many, chosen: expert ?? -1, dimmed: +Boolean(selected?.length), palette: header.palette.map(rgb), pale: this.pale, ink: this.ink})
    this._drawUnder()
    this._drawOver(ratio)
    if (this.curvesDue || k > 20 && this.curvesFor !== expert) this._drawCurves()
    this.curvesFor = expert
    if (this.told_of !== this.frame || this.told_expert !== expert || this.told_words !== this.find.value) this._texts()
    this._controlsFollow()
    if (part < 1) this._dirty()
    this.plane.dataset.shown = [header.title, this.frames.length, this.frame.t, this.frame.phase, this.state.below, expert].join()
  }

  /** Regions of the experts, or the ratio of one, below the points. */
  _drawUnder() {
    const context = this.under.getContext("2d"), {below, expert} = this.state, {width, height} = this.under
    const key = [below, expert, this.state.i, this.frames.length, width, height, this._view(), this.box.className].join()
    if (key === this.underKey) return
    this.underKey = key
    context.clearRect(0, 0, width, height)
    const image = below == "regions" ? this._regions() : below == "ratio" && expert !== null ? this._ratio() : null
    if (!image) return
    const [ax, ay, bx, by] = this._view(), [gx, gy] = [65535 / (image.width - 1) / 2, 65535 / (image.height - 1) / 2]
    context.imageSmoothingEnabled = below == "ratio"
    context.globalAlpha = below == "ratio" ? .8 : .22
    context.drawImage(image, -gx * ax + bx, (65535 + gy) * ay + by, (65535 + 2 * gx) * ax, -(65535 + 2 * gy) * ay)
    context.globalAlpha = 1
  }

  _grid(values, colour) {
    const [h, w] = values.shape, canvas = element("canvas", {width: w, height: h}), context = canvas.getContext("2d"), image = context.createImageData(w, h)
    for (let r = 0; r < h; r++) for (let q = 0; q < w; q++) image.data.set(colour(values[(h - 1 - r) * w + q]), 4 * (r * w + q))
    context.putImageData(image, 0, 0)
    return canvas
  }

  _regions() {
    const colours = this.scene.header.palette.map(rgb), {expert} = this.state
    return this.frame.winner && this._grid(this.frame.winner, j => [...colours[j % 10], expert === null || expert == j ? 255 : 0])
  }

  /** Red where an expert's samples are denser than the data, blue where they are sparser. */
  _ratio() {
    if (!this.frame.ratio) return null
    const red = rgb("#b2182b"), blue = rgb("#2166ac")
    return this._grid(row(this.frame.ratio, this.state.expert), v => [...(v > 128 ? red : blue), Math.min(255, 2 * Math.abs(v - 128))])
  }

  _drawOver(ratio) {
    const context = this.over.getContext("2d"), [ax, ay, bx, by] = this._view()
    context.clearRect(0, 0, this.over.width, this.over.height)
    const {samples, c} = this.frame, {header, still} = this.scene, {expert} = this.state
    const place = (x, y) => [x * ax + bx, y * ay + by]
    if (samples && samples.shape.length == 3 && samples.shape[2] == 2) this._samples(context, samples, place, ratio)
    if (this.codes?.shape.length == 3) this._net(context, this.codes, place, ratio)
    if (header.k <= 40 || expert !== null) this._numbers(context, this.frame.middles ??= middles(still.at, c, header.k), place, ratio)
    this._axes(context, ratio)
    const path = this.drag?.path
    if (!path) return
    context.beginPath()
    for (const [x, y] of path) context.lineTo(...place(x, y))
    context.closePath()
    context.strokeStyle = `rgb(${this.ink})`
    context.fillStyle = `rgba(${this.ink}, .08)`
    context.stroke()
    context.fill()
  }

  /** Samples of the experts with a rim; they are kept relative to the square, which they may leave. */
  _samples(context, samples, place, ratio) {
    const [k, m] = samples.shape, {expert} = this.state
    context.strokeStyle = `rgb(${this.ink})`
    for (let j = 0; j < k; j++) {
      if (expert !== null ? j != expert : k > 40) continue
      context.fillStyle = this.scene.header.palette[j % 10]
      for (let s = 0; s < m; s++) {
        const [x, y] = [0, 1].map(q => samples[2 * (j * m + s) + q] / 8192 * 65535)
        context.beginPath()
        context.arc(...place(x, y), 2.6 * ratio, 0, 7)
        context.fill()
        context.stroke()
      }
    }
  }

  /** The net into which an expert's decoder bends a grid of codes. */
  _net(context, codes, place, ratio) {
    const [a, b] = codes.shape, at = (r, q) => place(...[0, 1].map(d => codes[2 * (r * b + q) + d] / 8192 * 65535))
    Object.assign(context, {strokeStyle: `rgb(${this.ink})`, lineWidth: ratio})
    context.beginPath()
    for (let r = 0; r < a; r++) for (let q = 0; q < b; q++) context[q ? "lineTo" : "moveTo"](...at(r, q))
    for (let q = 0; q < b; q++) for (let r = 0; r < a; r++) context[r ? "lineTo" : "moveTo"](...at(r, q))
    context.stroke()
  }

  _numbers(context, at, place, ratio) {
    const {header, still} = this.scene, {expert} = this.state
    Object.assign(context, {font: `bold ${11 * ratio}px sans-serif`, textAlign: "center", textBaseline: "middle", lineWidth: 1.6 * ratio})
    at.forEach((i, j) => {
      if (i < 0 || expert !== null && expert != j) return
      const [x, y] = place(still.at[2 * i], still.at[2 * i + 1])
      context.beginPath()
      context.arc(x, y, 9 * ratio, 0, 7)
      context.fillStyle = getComputedStyle(this.box).backgroundColor
      context.strokeStyle = header.palette[j % 10]
      context.fill()
      context.stroke()
      context.fillStyle = `rgb(${this.ink})`
      context.fillText(j, x, y)
    })
  }

  /** Numbers along both edges, of data in the plane. */
  _axes(context, ratio) {
    const {bounds, columns} = this.scene.header
    Object.assign(context, {font: `${10 * ratio}px sans-serif`, fillStyle: `rgba(${this.ink}, .65)`, textBaseline: "alphabetic"})
    const {width, height} = this.over, [ax, ay, bx, by] = this._view(), [x0, x1, y0, y1] = bounds
    const toX = v => (v - x0) / (x1 - x0) * 65535 * ax + bx, toY = v => (v - y0) / (y1 - y0) * 65535 * ay + by
    const fromX = p => x0 + (p - bx) / ax / 65535 * (x1 - x0), fromY = p => y0 + (p - by) / ay / 65535 * (y1 - y0)
    context.textAlign = "center"
    for (const v of ticks(fromX(0), fromX(width))) context.fillText(number(v), toX(v), height - 4 * ratio)
    context.textAlign = "left"
    for (const v of ticks(fromY(height), fromY(0))) context.fillText(number(v), 3 * ratio, toY(v) + 3 * ratio)
    context.textAlign = "right"
    if (columns[0]) context.fillText(columns[0], width - 4 * ratio, height - 16 * ratio)
    context.textAlign = "left"
    if (columns[1]) context.fillText(columns[1], 4 * ratio, 12 * ratio)
  }

  // ---- texts beside the plane

  _texts() {
    const {header} = this.scene, {expert} = this.state, frame = this.frame
    ;[this.told_of, this.told_expert, this.told_words] = [frame, expert, this.find.value]
    this.title.textContent = header.title
    this.sentence.textContent = frame.text
    const part = header.n < header.of ? `${header.n} of ${header.of} points are drawn, chosen by a seed. ` : ""
    const what = header.kind == "plane" ? "Rim: sample; " : "Principal components 1 and 2; "
    this.note.textContent = header.missing || this.plain + part + what + (this.state.rings ? "ring: has moved." : "")
    this.flows.textContent = frame.flows.length ? "Gave points: " + frame.flows.map(([a, b, n]) => `${a} → ${b}: ${n}`).join(", ") : ""
    this._legend(frame.sizes)
    this._showWall()
    if (this.flow?.isConnected) this._drawFlow()
  }

  _legend(sizes) {
    const {header, still} = this.scene, {shown, left} = listed(sizes, this.find.value), most = Math.max(1, ...sizes), all = sizes.reduce((a, b) => a + b, 0)
    const mostly = still.y ? this.frame.mostly ??= commonest(this.frame.c, still.y, header.k, header.labels.length) : []
    while (this.list.children.length > shown.length) this.list.lastChild.remove()
    while (this.list.children.length < shown.length) this.list.append(this._legendRow())
    shown.forEach(({j, size}, r) => {
      const line = this.list.children[r], [sign, name, bar] = line.children
      line.dataset.expert = j
      line.setAttribute("aria-pressed", this.state.expert === j)
      sign.textContent = SIGNS[Math.floor(j / 10) % 10]
      sign.style.color = bar.firstChild.style.background = header.palette[j % 10]
      name.textContent = j
      bar.firstChild.style.width = `${100 * size / most}%`
      const [label, share] = mostly[j] ?? [], its = share > 0 ? `, mostly ${header.labels[label]} (${(100 * share).toFixed(0)} %)` : ""
      bar.lastChild.textContent = size ? `${size} (${(100 * size / all).toFixed(1)} %)${its}` : "no points"
    })
    this.more.textContent = left ? `and ${left} more, of fewer points` : ""
  }

  _legendRow() {
    const line = element("button", {class: "expert", type: "button", "aria-pressed": false}, element("span"), element("span"), element("span", {class: "bar"}, element("i"), element("span")))
    line.addEventListener("click", () => this._choose(+line.dataset.expert))
    return line
  }

  _choose(j) { this.change({expert: this.state.expert === j ? null : j}) }

  /** Images: typical members, members that were nearly lost, and samples; a line for each expert, pages for the chosen one. */
  _showWall() {
    const {still} = this.scene, {expert} = this.state
    this.wall.replaceChildren()
    if (this.codes?.shape.length == 5) {
      const [a, b, ...shape] = this.codes.shape
      this.wall.append(mosaic(imagesOf(Object.assign(this.codes.slice(), {shape: [a * b, ...shape]})), b, 40))
    }
    if (!still.thumbs) return
    const some = expert === null ? listed(this.frame.sizes, "", 12).shown.map(e => e.j) : [expert]
    this.wall.append(element("p", {class: "note"}, "Typical members, members that were nearly lost, samples" + (still.few.length < this.scene.header.n ? `; of ${still.few.length} points with pictures.` : ".")))
    for (const j of some) this.wall.append(this._wallRow(j, expert === null ? 8 : 36))
  }

  _wallRow(j, n) {
    const {still: {thumbs, few}, header} = this.scene, {samples} = this.frame, from = this.state.page * n
    const pages = [false, true].map(doubtful => membersOf(this.frame, few, j, doubtful)), left = pages[0].length > n
    const shown = pages.map(page => mosaic(page.slice(from, from + n).map(q => ({data: row(thumbs, q), shape: thumbs.shape.slice(1)})), 12, 30))
    const name = element("button", {class: "expert", type: "button"}, element("span", {style: `color: ${header.palette[j % 10]}`}, SIGNS[Math.floor(j / 10) % 10]), `${j}`)
    name.addEventListener("click", () => this._choose(j))
    const turn = () => {
      this.state.page = from + n < pages[0].length ? this.state.page + 1 : 0
      this._showWall()
    }
    const more = this.state.expert === j && left ? [element("button", {type: "button", onclick: turn}, `${from + 1} to ${Math.min(from + n, pages[0].length)} of ${pages[0].length}; next`)] : []
    return element("div", {class: "row"}, name, ...shown, samples?.shape.length == 5 ? mosaic(imagesOf(row(samples, j)), 12, 30) : "", ...more)
  }

  _controlsFollow() {
    const {i, below, rings, lasso, selected} = this.state
    Object.assign(this.range, {max: this.frames.length - 1, value: i})
    this.range.setAttribute("aria-valuetext", `iteration ${this.frame.t}`)
    this.below.value = below
    this.rings.setAttribute("aria-pressed", rings)
    this.lasso.setAttribute("aria-pressed", lasso)
    this.chosen.textContent = selected?.length ? `${selected.length} selected` : ""
    this.codesOf.hidden = !this.walk
    for (const chart of this.charts.children) {
      if (!chart.span) continue
      const {left, width} = chart.span
      chart.lastChild.style.left = `${left + width * (this.frames.length > 1 ? i / (this.frames.length - 1) : .5) - 1}px`
    }
  }

  // ---- curves

  _curves() {
    const {k, palette} = this.scene.header, ink = `rgb(${this.ink})`, of = name => this.frames.map(f => f[name] ?? NaN)
    const sizes = Array.from({length: k}, (_, j) => ({values: this.frames.map(f => f.sizes[j]), colour: palette[j % 10], dash: j >= 10}))
    if (k > 20) {  // the ten largest, and the chosen one, above all others in grey
      const plain = new Set(listed(this.frames.at(-1).sizes, "", 10).shown.map(e => e.j)).add(this.state.expert)
      sizes.forEach((line, j) => plain.has(j) || Object.assign(line, {colour: `rgba(${this.ink}, ${Math.min(.08, 8 / k)})`, dash: false}))
      sizes.sort((a, b) => b.colour.startsWith("rgba") - a.colour.startsWith("rgba"))
    }
    const curves = [
      {title: "bound (3), and dashed the mixture: nats", lines: [{values: of("kl_bound"), colour: ink}, {values: of("kl_mixture"), colour: "#3f90da", dash: true}]},
      {title: "points that moved, %", log: true, lines: [{values: of("moved").map(v => 100 * v), colour: ink}]},
      {title: k > 20 ? "points of each expert, ten in colour" : "points of each expert", zero: true, lines: sizes},
      {title: "held-out log-likelihood, nats", lines: [{values: of("held_out"), colour: ink}]}]
    return curves.filter(curve => curve.lines.some(line => line.values.some(Number.isFinite)))
  }

  _drawCurves() {
    this.curvesDue = false
    const curves = this._curves()
    this.charts.replaceChildren(...curves.map((_, q) => this.charts.children[q]?.span ? this.charts.children[q] : this._chart()))
    if (this.scene.header.k <= 30) this.charts.append(this.flow ??= this._flowChart())
    curves.forEach((curve, q) => this._drawCurve(this.charts.children[q], curve))
  }

  _chart() {
    const chart = element("div", {class: "chart", role: "img"}, element("canvas"), element("div", {class: "cursor"}))
    const seek = event => {
      const {left, width} = chart.span, x = event.clientX - chart.getBoundingClientRect().left
      this.change({i: Math.max(0, Math.min(this.frames.length - 1, Math.round((x - left) / width * (this.frames.length - 1))))})
    }
    chart.addEventListener("pointerdown", event => {
      chart.setPointerCapture(event.pointerId)
      seek(event)
    })
    chart.addEventListener("pointermove", event => { if (event.buttons) seek(event) })
    return chart
  }

  /** Who gave points to whom since some iterations before, from row to column. */
  _flowChart() {
    this.back = element("select", {"aria-label": "Iterations back", onchange: () => this._drawFlow()}, ...[1, 3, 10, 100].map(v => element("option", {value: v}, v)))
    return element("div", {class: "chart flow", role: "img"}, element("canvas"), this.back)
  }

  _drawFlow() {
    const canvas = this.flow.firstChild, {k, palette} = this.scene.header, {clientWidth: w, clientHeight: h} = this.flow
    const counts = given(this.frames[Math.max(0, this.state.i - this.back.value)].c, this.frame.c, k)
    const context = fitted(canvas, w, h), cell = Math.min(w - 20, h - 34) / k, most = counts.reduce((a, v, p) => p % (k + 1) ? Math.max(a, v) : a, 1)
    Object.assign(context, {font: "11px sans-serif", fillStyle: `rgb(${this.ink})`})
    context.fillText("points given, iterations back:", 2, 11)
    Object.assign(context, {font: `${Math.max(7, Math.min(10, cell * .6))}px sans-serif`, textAlign: "center", textBaseline: "middle"})
    for (let r = 0; r < k; r++) {
      context.fillStyle = palette[r % 10]
      context.fillText(r, 8, 32 + (r + .5) * cell)
      context.fillText(r, 16 + (r + .5) * cell, 25)
      for (let q = 0; q < k; q++) {
        const n = counts[r * k + q], at = [16 + q * cell, 32 + r * cell]
        context.fillStyle = r == q ? `rgba(${this.ink}, .12)` : `rgba(230, 85, 13, ${n / most})`
        context.fillRect(...at, cell - 1, cell - 1)
        context.fillStyle = `rgb(${this.ink})`
        if (n && cell > 18) context.fillText(n, at[0] + cell / 2, at[1] + cell / 2)
      }
    }
    this.flow.setAttribute("aria-label", this.flows.textContent || "No points were given.")
  }

  _drawCurve(chart, {title, lines, log, zero}) {
    const {clientWidth: w, clientHeight: h} = chart, context = fitted(chart.firstChild, w, h)
    const {left, width} = chart.span = {left: 46, width: Math.max(1, w - 54)}, top = 18, high = h - 34
    const finite = lines.flatMap(line => line.values.filter(v => Number.isFinite(v) && (!log || v > 0)))
    let [low, most] = finite.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [zero ? 0 : Infinity, -Infinity])
    if (!(most > low)) [low, most] = Number.isFinite(low) ? [low - .5 * Math.abs(low || 1) * (log ? 1 : .1), low + .5 * Math.abs(low || 1)] : [.1, 1]
    const scaled = v => log ? Math.log10(Math.max(v, low)) : v, [a, b] = [scaled(low), scaled(most)]
    const y = v => top + high * (1 - (scaled(v) - a) / (b - a)), x = i => left + width * (this.frames.length > 1 ? i / (this.frames.length - 1) : .5)
    Object.assign(context, {font: "11px sans-serif", fillStyle: `rgb(${this.ink})`})
    context.fillText(title, 2, 11)
    Object.assign(context, {font: "10px sans-serif", textAlign: "right", strokeStyle: `rgba(${this.ink}, .15)`, fillStyle: `rgba(${this.ink}, .7)`})
    const marks = log ? [low, most] : ticks(low, most, 3)
    for (const v of marks) {
      context.fillText(log ? +v.toPrecision(1) : number(v), left - 4, y(v) + 3)
      context.beginPath()
      context.moveTo(left, y(v))
      context.lineTo(left + width, y(v))
      context.stroke()
    }
    context.textAlign = "center"
    for (const i of ticks(0, this.frames.length - 1, 4).filter(Number.isInteger)) context.fillText(this.frames[i].t, x(i), h - 3)
    for (const line of lines) this._line(context, line, x, y)
    chart.setAttribute("aria-label", `${title}: ${number(finite[0])} at first, ${number(finite.at(-1))} at last`)
  }

  _line(context, {values, colour, dash}, x, y) {
    context.setLineDash(dash ? [4, 3] : [])
    Object.assign(context, {strokeStyle: colour, fillStyle: colour, lineWidth: 1.3})
    context.beginPath()
    values.forEach((v, i) => { if (Number.isFinite(v)) context.lineTo(x(i), y(v)) })
    context.stroke()
    if (values.filter(Number.isFinite).length == 1) values.forEach((v, i) => { if (Number.isFinite(v)) context.fillRect(x(i) - 2, y(v) - 2, 4, 4) })
  }
}

// ---- Hosts

/** Views side by side go along: iteration, zoom, selection. */
export function linked(views) {
  for (const view of views) {
    const told = view.told
    view.told = (change, state) => {
      told(change, state)
      const shared = Object.fromEntries(Object.entries(change).filter(([name]) => ["i", "zoom", "selected", "below"].includes(name)))
      for (const other of views) {
        if (other === view || !other.frames.length || !Object.keys(shared).length) continue
        other.set("i" in shared ? {...shared, i: view.frame.t - other.frames[0].t} : shared)
      }
    }
  }
  return views
}

/** A scene whose arrays are those that stand, and those of all frames. */
export function sceneOf(header, bytes) {
  const arrays = arraysOf(header.arrays, bytes), still = {}, moving = {}
  for (const name in arrays) (name.startsWith("frames.") ? moving : still)[name.replace("frames.", "")] = arrays[name]
  return {header, still, frames: framesOf(header.frames, moving)}
}

const bytesOf = view => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

/** In a notebook: frames come as buffers; what the hand does goes to Python. */
function render({model, el}) {
  let count = 0, run = null
  const tell = change => {
    if ("i" in change) model.set("iteration", view.state.i < view.frames.length - 1 ? view.frame.t : -1)
    if ("expert" in change) model.set("expert", change.expert ?? -1)
    if ("below" in change) model.set("below", change.below)
    if ("selected" in change) model.set("chosen", new DataView((change.selected ?? new Uint32Array()).slice().buffer))
    model.save_changes()
  }
  const view = new View(el, null, {told: change => tell(change)})
  const beside = element("div")
  let other = null
  const go = () => {
    const t = model.get("iteration"), last = view.frames.length - 1, i = t < 0 ? last : t - view.frames[0]?.t
    if (last >= 0 && i != view.state.i) view.set({i})
  }
  const walks = () => {
    view.walk = model.get("walks") ? expert => model.send({codes: expert, run}) : null
    view._dirty()
  }
  const ask = () => model.send({ask: count, run})
  const takes = (message, buffers) => {
    const bytes = buffers.length ? bytesOf(buffers[0]) : new Uint8Array()
    if (message.kind == "scene") {
      [run, count] = [message.run, message.header.frames.length]
      view.show(sceneOf(message.header, bytes))
      go()
    } else if (message.kind == "codes") view.takeCodes(message, bytes)
    else if (message.kind == "beside") besides(message.header && sceneOf(message.header, bytes))
    else if (message.run != run || message.i > count) return ask()
    else if (message.kind == "frame") {
      view.add({...message.header, ...arraysOf(message.header.arrays, bytes)}, message.i)
      count = Math.max(count, message.i + 1)
    }
  }
  const moves = (ids, by) => {
    view.change({selected: ids})
    model.send({by, run})
  }
  const dropped = async event => {
    event.preventDefault()
    event.stopPropagation()
    const [file] = event.dataTransfer.files
    if (file) model.send({file: file.name, text: await file.text()})
  }
  if (model.get("edits")) {
    view.moves = moves
    el.addEventListener("dragover", event => event.preventDefault())
    el.addEventListener("drop", dropped)
  }
  const besides = scene => {
    other?.free()
    other = scene && new View(beside, scene)
    el.classList.toggle("kvs", Boolean(scene))
    if (scene) {
      el.append(beside)
      linked([view, other])
    } else beside.remove()
  }
  const heard = (message, buffers) => {
    try { takes(message, buffers) } catch (error) { view._say(error.message, true) }
  }
  const follow = {
    "change:iteration": go,
    "change:expert": () => view.set({expert: model.get("expert") < 0 ? null : model.get("expert")}),
    "change:walks": walks,
    "change:below": () => view.set({below: model.get("below")}),
    "change:chosen": () => view.set({selected: new Uint32Array(bytesOf(model.get("chosen")).slice().buffer)}),
    "msg:custom": heard}
  for (const event in follow) model.on(event, follow[event])
  view.set({expert: model.get("expert") < 0 ? null : model.get("expert"), below: model.get("below")})
  el.view = view
  walks()
  let waits = 1000
  let again = setTimeout(function once() {  // a page that has just been loaded may miss the answer
    if (run !== null) return
    ask()
    again = setTimeout(once, waits *= 2)
  }, waits)
  ask()
  return () => {
    clearTimeout(again)
    for (const event in follow) model.off(event, follow[event])
    other?.free()
    view.free()
  }
}

export default {render}
