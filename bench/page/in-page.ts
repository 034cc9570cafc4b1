/** What runs in a page, as text: a bench knows no types of a browser. Times are milliseconds since the page began to load. */

/** The functions that the others here use. */
export const CLOCK = `
  // Resolves when the frame that is being made has been painted.
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now());
    port2.postMessage(null);
  }));
  const until = async (isSo) => {
    while (!isSo()) await new Promise(requestAnimationFrame);
    return painted();
  };
  const lastAnswer = () => performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/api/v1/devices?'))
    .reduce((last, { responseEnd }) => Math.max(last, responseEnd), 0);`;

/** Runs it, with the functions above; what it returns is the answer. */
export const inPage = (work: string): string => `(async () => { ${CLOCK} ${work} })()`;

/** Goes to the list of devices, and waits until all of them are in it. */
export const openList = (count: number): string =>
  inPage(`
    performance.clearResourceTimings();
    performance.setResourceTimingBufferSize(10_000);
    const began = performance.now();
    location.hash = '#/devices';
    const first = await until(() => document.querySelector('.scroller li') !== null);
    const all = await until(() => [...document.querySelectorAll('[role=status]')]
      .some(({ textContent }) => textContent.trim() === '${count} of ${count}'));
    return { first: first - began, all: all - began, afterAnswer: all - lastAnswer() };`);

/** Looks for the device that comes last, in a list that has just begun to load with the page. */
export const findLast = (name: string): string =>
  inPage(`
    const first = await until(() => document.querySelector('.scroller li') !== null);
    const search = document.querySelector('input[type=search]');
    search.value = '${name}';
    search.dispatchEvent(new Event('input', { bubbles: true }));
    const found = await until(() => document.querySelector('.scroller li')?.textContent.includes('${name}'));
    return { first, all: found, afterAnswer: found - lastAnswer() };`);

/** A page that reads the same list and writes a row for each device, without anything else. */
export const BARE_LIST = `<!doctype html><title>List</title><ul class="scroller"></ul><script>
  ${CLOCK}
  const list = document.querySelector('ul');
  const load = async (count) => {
    performance.clearResourceTimings();
    performance.setResourceTimingBufferSize(10_000);
    const began = performance.now();
    let after = '';
    let first = null;
    do {
      const { items, next } = await (await fetch('/api/v1/devices?limit=200' + after)).json();
      const rows = document.createDocumentFragment();
      for (const { id, name, status, worldType, lastSeenAt } of items) {
        const row = document.createElement('li');
        const link = document.createElement('a');
        link.href = '#/devices/' + id;
        link.textContent = [name, status, worldType, lastSeenAt ?? ''].join(' ');
        row.append(link);
        rows.append(row);
      }
      list.append(rows);
      first ??= performance.now();
      after = next === null ? null : '&after=' + encodeURIComponent(next);
    } while (after !== null);
    const all = await painted();
    if (list.children.length !== count) throw new Error('the list has ' + list.children.length + ' rows');
    return { first: first - began, all: all - began, fromStart: all, afterAnswer: all - lastAnswer() };
  };
</script>`;

/** Counts frames that are painted, and those in which a value has changed, for so long. */
export const countFrames = (ms: number): string =>
  inPage(`
    let frames = 0;
    let changed = 0;
    let isChanged = false;
    const watching = new MutationObserver(() => { isChanged = true; });
    watching.observe(document.body, { subtree: true, childList: true, characterData: true });
    const began = performance.now();
    for (;;) {
      const now = await new Promise(requestAnimationFrame);
      frames++;
      if (isChanged) changed++;
      isChanged = false;
      if (now - began > ${ms}) break;
    }
    watching.disconnect();
    const seconds = (performance.now() - began) / 1000;
    return { frames: frames / seconds, changed: changed / seconds };`);

/** Notes from now on when each whole number is painted that a value becomes, in milliseconds since 1970. */
export const WATCH_NUMBERS = `(() => {
  ${CLOCK}
  window.paintedAt = {};
  const read = () => {
    const number = document.querySelector('.value')?.textContent.replace(/\\D/g, '');
    if (number !== undefined && !(number in window.paintedAt)) {
      window.paintedAt[number] = null;
      painted().then((at) => { window.paintedAt[number] = performance.timeOrigin + at; });
    }
  };
  new MutationObserver(read).observe(document.body, { subtree: true, childList: true, characterData: true });
})()`;

/** A page that shows what comes over a bare WebSocket. */
export const bareSocket = (
  url: string,
): string => `<!doctype html><title>Value</title><p class="value"></p><script>
  const socket = new WebSocket('${url}');
  socket.onmessage = ({ data }) => data.text().then((text) => { document.querySelector('.value').textContent = text; });
  socket.onopen = () => { document.title = 'open'; };
</script>`;

/** A page that writes the last of what a device measures, once a frame, and draws nothing. */
export const bareReadings = (
  deviceId: string,
): string => `<!doctype html><title>Value</title><p class="value"></p><script>
  (async () => {
    const response = await fetch('/api/v1/devices/${deviceId}/readings/live', { headers: { accept: 'text/event-stream' } });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    document.title = 'open';
    let last = '';
    let asked = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      last = value.slice(-200);
      if (asked) continue;
      asked = true;
      requestAnimationFrame(() => { asked = false; document.querySelector('.value').textContent = last; });
    }
  })();
</script>`;
