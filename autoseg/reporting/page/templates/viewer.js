"use strict";
// Slices of a scan in three planes, with what reference and prediction mark. No library, no network, no WebGL.
(() => {
  const BOTH = [47, 214, 160], MISSED = [255, 90, 54], WRONG = [53, 180, 255], STRENGTH = 0.55, MOST_PIXELS = 640;
  // The axis that a plane is cut along, those of its columns and rows, and what stands at its left and right.
  const PLANES = [
    { name: "Axial", through: 2, across: 0, up: 1, edges: ["R", "L"] },
    { name: "Coronal", through: 1, across: 0, up: 2, edges: ["R", "L"] },
    { name: "Sagittal", through: 0, across: 1, up: 2, edges: ["A", "P"] },
  ];

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function makeViewer(box, { volume, layers }, voxels) {
    const [nx, ny, nz] = volume.shape, count = nx * ny * nz, steps = [1, nx, nx * ny];
    const scan = voxels.subarray(0, count), reference = voxels.subarray(count, 2 * count);
    const prediction = voxels.subarray(2 * count, 3 * count);
    const place = [...volume.start], shown = { reference: true, prediction: true }, marked = new Uint8Array(256);
    const flip = (axis, at) => (volume.plain ? at : volume.shape[axis] - 1 - at);
    const planes = PLANES.filter((plane) => volume.shape[plane.across] > 1 && volume.shape[plane.up] > 1).map(makePlane);

    function chooseLayer(position) {
      marked.fill(0);
      for (const value of layers[position].values) marked[value] = 1;
      draw();
    }

    function makePlane(plane) {
      const width = volume.shape[plane.across], height = volume.shape[plane.up];
      const wide = width * volume.spacing[plane.across], high = height * volume.spacing[plane.up];
      const scale = MOST_PIXELS / Math.max(wide, high);
      const canvas = element("canvas", { width: Math.round(wide * scale), height: Math.round(high * scale), tabIndex: 0 });
      canvas.setAttribute("aria-label", `${plane.name} slice; arrow keys go through the slices`);
      canvas.setAttribute("role", "img");
      const slices = volume.shape[plane.through];
      const slider = element("input", { type: "range", min: 0, max: slices - 1, value: place[plane.through] });
      slider.setAttribute("aria-label", `${plane.name} slice`);
      const number = element("output");
      const made = { ...plane, canvas, slider, number, width, height, small: element("canvas", { width, height }) };
      const go = (to) => { place[plane.through] = Math.max(0, Math.min(slices - 1, to)); draw(); };
      slider.addEventListener("input", () => go(Number(slider.value)));
      canvas.addEventListener("keydown", (event) => {
        const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5 }[event.key];
        if (step) { event.preventDefault(); go(place[plane.through] + step); }
      });
      const point = (event) => {
        const frame = canvas.getBoundingClientRect();
        const column = Math.floor(((event.clientX - frame.left) / frame.width) * width);
        const row = Math.floor(((event.clientY - frame.top) / frame.height) * height);
        place[plane.across] = Math.max(0, Math.min(width - 1, flip(plane.across, column)));
        place[plane.up] = Math.max(0, Math.min(height - 1, flip(plane.up, row)));
        draw();
      };
      canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); point(event); });
      canvas.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
      return made;
    }

    function colour(at, pixel, to) {
      const inReference = shown.reference && marked[reference[at]], inPrediction = shown.prediction && marked[prediction[at]];
      const tint = inReference && inPrediction ? BOTH : inReference ? MISSED : inPrediction ? WRONG : null;
      for (let part = 0; part < 3; part++) {
        pixel[to + part] = tint ? (1 - STRENGTH) * scan[at] + STRENGTH * tint[part] : scan[at];
      }
      pixel[to + 3] = 255;
    }

    function drawPlane(plane) {
      const image = new ImageData(plane.width, plane.height);
      const start = place[plane.through] * steps[plane.through];
      for (let row = 0, to = 0; row < plane.height; row++) {
        const line = start + flip(plane.up, row) * steps[plane.up];
        for (let column = 0; column < plane.width; column++, to += 4) {
          colour(line + flip(plane.across, column) * steps[plane.across], image.data, to);
        }
      }
      plane.small.getContext("2d").putImageData(image, 0, 0);
      const pen = plane.canvas.getContext("2d"), { width, height } = plane.canvas;
      pen.imageSmoothingEnabled = true;
      pen.drawImage(plane.small, 0, 0, width, height);
      const x = ((flip(plane.across, place[plane.across]) + 0.5) / plane.width) * width;
      const y = ((flip(plane.up, place[plane.up]) + 0.5) / plane.height) * height;
      pen.strokeStyle = "rgba(255, 255, 255, 0.35)";
      pen.beginPath();
      pen.moveTo(x, 0); pen.lineTo(x, height); pen.moveTo(0, y); pen.lineTo(width, y);
      pen.stroke();
      if (!volume.plain) drawEdges(pen, plane, width, height);
      plane.slider.value = place[plane.through];
      plane.number.textContent = `${place[plane.through] + 1}/${volume.shape[plane.through]}`;
    }

    function drawEdges(pen, plane, width, height) {
      pen.font = "20px system-ui, sans-serif";
      pen.fillStyle = "white";
      pen.shadowColor = "black";
      pen.shadowBlur = 4;
      pen.textBaseline = "middle";
      pen.fillText(plane.edges[0], 8, height / 2);
      pen.fillText(plane.edges[1], width - 8 - pen.measureText(plane.edges[1]).width, height / 2);
      pen.shadowBlur = 0;
    }

    function draw() { planes.forEach(drawPlane); }

    function makeSwitch(name) {
      const input = element("input", { type: "checkbox", checked: true });
      input.addEventListener("change", () => { shown[name] = input.checked; draw(); });
      return element("label", {}, input, ` ${name}`);
    }

    function makeKey([red, green, blue], text) {
      const key = element("span", { className: "key" });
      key.style.background = `rgb(${red}, ${green}, ${blue})`;
      return element("span", {}, key, text);
    }

    const tools = element("div", { className: "tools" }, makeSwitch("reference"), makeSwitch("prediction"),
      makeKey(BOTH, "in both"), makeKey(MISSED, "missed"), makeKey(WRONG, "only predicted"));
    if (layers.length > 1) {
      const select = element("select", {}, ...layers.map((layer, value) => element("option", { value, textContent: layer.name })));
      select.setAttribute("aria-label", "Label or region");
      select.addEventListener("change", () => chooseLayer(Number(select.value)));
      tools.prepend(select);
    }
    const grid = element("div", { className: "planes" }, ...planes.map((plane) => element("div", { className: "plane" },
      plane.canvas, element("label", {}, plane.name, plane.slider, plane.number))));
    box.append(tools, grid);
    chooseLayer(0);
  }

  async function toggle(card, button) {
    const box = card.querySelector(".viewer"), still = card.querySelector(".still");
    if (!box.childElementCount) {
      const given = JSON.parse(card.querySelector(".volume").textContent);
      makeViewer(box, given, await unpack(given.volume.packed));
    }
    box.hidden = !box.hidden;
    still.hidden = !box.hidden;
    button.textContent = box.hidden ? "Look through all slices" : "Back to the picture";
  }

  // Tables and pictures that do not fit say so: not every system shows a bar.
  function markWide() {
    for (const box of document.querySelectorAll(".scroll")) box.classList.toggle("wider", box.scrollWidth > box.clientWidth + 1);
  }
  markWide();
  addEventListener("load", markWide);
  addEventListener("resize", markWide);
  for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", markWide);

  // Browsers that cannot unpack keep the pictures.
  if (typeof DecompressionStream === "undefined") return;
  for (const card of document.querySelectorAll(".case")) {
    const button = card.querySelector(".open");
    if (!button) continue;
    button.hidden = false;
    button.addEventListener("click", () => toggle(card, button));
  }
})();
