// @ts-check
// Requests to a worker: one at a time, urgent ones first. A worker that dies or hangs is replaced by a new one, and what
// it left undone is done again.

/** @typedef {import("./codec_worker.js").Request} Request */
/** @typedef {import("./codec_worker.js").Answer} Answer */

/**
 * What is asked of the worker once. `request` is called when its turn comes, and again if it has to be done again.
 * @typedef {object} Job
 * @property {() => Request} request
 * @property {boolean} urgent
 * @property {AbortSignal} [signal] takes back a job that waits
 * @property {() => boolean} isStale whether the result is out of date already, and the job has to be done again
 * @property {(result: any) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} tries
 * @property {boolean} [isOpening] whether it is what each new worker is told first
 */

/** Times that a worker may fail in a row before the codec is given up. */
const MOST_FAILURES = 3;
/** Workers that one job may end. */
const MOST_TRIES = 2;
/** Milliseconds between two looks at the worker; while a page sleeps, there are none. */
const TICK = 1000;

export class WorkQueue {
  /** @type {Worker | undefined} */
  #worker;
  /** @type {Job[]} */
  #waiting = [];
  /** @type {Job | undefined} */
  #running;
  /** The number of the request under way; answers to earlier ones are not heard. */
  #id = 0;
  #ticks = 0;
  #failures = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;
  #options;
  /** @type {Job | undefined} the first request to the first worker, until it is answered */
  #first;

  /**
   * @param {object} options
   * @param {() => Worker} options.makeWorker
   * @param {() => [Request, ...Request[]]} options.opening what a new worker is told; the first of it is answered
   * @param {number} options.patience seconds after which a worker that does not answer is replaced
   * @param {(sentence: string) => void} options.onlost
   */
  constructor(options) {
    this.#options = options;
  }

  /** Start the worker, and return its answer to the first request. @returns {Promise<any>} */
  open() {
    return new Promise((resolve, reject) => {
      this.#first = job(resolve, reject, () => this.#options.opening()[0]);
      this.#start();
    });
  }

  /**
   * @param {() => Request} request
   * @param {{urgent?: boolean, signal?: AbortSignal, isStale?: () => boolean}} [options]
   * @returns {Promise<any>} the answer; rejects with a sentence
   */
  ask(request, options = {}) {
    return new Promise((resolve, reject) => {
      if (!this.#worker) {
        reject(new Error("The codec in this page is closed."));
        return;
      }
      this.#waiting.push({ ...job(resolve, reject, request), ...options });
      this.#next();
    });
  }

  /** Tell the worker something that it does not answer. @param {Request} request */
  tell(request) {
    this.#worker?.postMessage(request);
  }

  /** @param {string} [sentence] what those are told who still wait */
  close(sentence = "The codec in this page is closed.") {
    clearInterval(this.#clock);
    this.#worker?.terminate();
    this.#worker = undefined;
    const left = [this.#first, this.#running, ...this.#waiting.splice(0)];
    this.#first = this.#running = undefined;
    for (const job of left) job?.reject(new Error(sentence));
  }

  #start() {
    clearInterval(this.#clock);
    this.#worker?.terminate();
    let worker;
    try {
      worker = this.#options.makeWorker();
    } catch {
      this.#lose("This browser starts no worker for the codec.");
      return;
    }
    worker.addEventListener("message", ({ data }) => worker === this.#worker && this.#answered(data));
    for (const event of ["error", "messageerror"])
      worker.addEventListener(event, (problem) => {
        problem.preventDefault();
        if (worker === this.#worker) this.#failed();
      });
    this.#worker = worker;
    this.#clock = setInterval(() => this.#tick(), TICK);
    const [opening, ...others] = this.#options.opening();
    const first = this.#first;
    const resolve = (/** @type {any} */ facts) => {
      this.#first = undefined;
      first?.resolve(facts);
    };
    const reject = (/** @type {Error} */ error) => (first ? this.close(error.message) : this.#failed());
    this.#send({ ...job(resolve, reject, () => opening), isOpening: true });
    for (const request of others) this.tell(request);
  }

  /** @param {Job} job */
  #send(job) {
    this.#running = job;
    this.#ticks = 0;
    this.tell({ ...job.request(), id: ++this.#id });
  }

  #next() {
    const gone = this.#waiting.filter((job) => job.signal?.aborted);
    this.#waiting = this.#waiting.filter((job) => !job.signal?.aborted);
    for (const job of gone) job.reject(job.signal?.reason);
    if (this.#running || !this.#worker || !this.#waiting.length) return;
    const urgent = this.#waiting.findIndex((job) => job.urgent);
    this.#send(this.#waiting.splice(Math.max(0, urgent), 1)[0]);
  }

  /** @param {Answer} answer */
  #answered({ id, result, error }) {
    const job = this.#running;
    if (!job || id !== this.#id) return;
    this.#running = undefined;
    if (error !== undefined) job.reject(new Error(error));
    else if (job.isStale()) this.#waiting.unshift(job);
    else job.resolve(result);
    if (!job.isOpening) this.#failures = 0;
    this.#next();
  }

  #tick() {
    if (this.#running && ++this.#ticks * TICK > this.#options.patience * 1000) this.#failed();
  }

  /** The worker died or hangs. */
  #failed() {
    const job = this.#running;
    this.#running = undefined;
    if (job && !job.isOpening) {
      job.tries++;
      if (job.tries < MOST_TRIES) this.#waiting.unshift(job);
      else job.reject(new Error("The codec in this page stopped at this request."));
    }
    if (++this.#failures < MOST_FAILURES) this.#start();
    else this.#lose("The codec in this page stopped several times.");
  }

  /** @param {string} sentence */
  #lose(sentence) {
    const isOpen = !this.#first;
    this.close(sentence);
    if (isOpen) this.#options.onlost(sentence);
  }
}

/**
 * @param {(result: any) => void} resolve
 * @param {(error: Error) => void} reject
 * @param {() => Request} request
 * @returns {Job}
 */
function job(resolve, reject, request) {
  return { resolve, reject, request, tries: 0, urgent: false, isStale: () => false };
}
