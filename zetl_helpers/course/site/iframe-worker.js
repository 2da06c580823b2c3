// A page that is opened from a folder cannot start a worker, which the search needs. This class replaces the worker: it
// runs the same script in a hidden frame, and passes messages in both directions.
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
