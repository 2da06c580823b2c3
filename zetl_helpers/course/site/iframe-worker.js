// Pages opened from a folder may not start workers, and the search works in one. There, this stands in for Worker: it
// runs the same script in a hidden frame and passes messages to it and back.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(script) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "Search";
      document.body.append(frame);
      this.inside = frame.contentWindow;
      this.inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const source = this.inside.document.createElement("script");
      source.src = script;
      this.loaded = new Promise((resolve) => { source.onload = resolve; });
      this.inside.document.body.append(source);
    }

    postMessage(data) {
      this.loaded.then(() => this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data })));
    }

    terminate() {
      this.inside.frameElement.remove();
    }
  };
  window.Worker = window.IFrameWorker;
}
