/* What a challenged reader's browser does: it looks for a number that makes the hash of the puzzle begin with enough zero
   bits, hands it in as a cookie, and asks again. Old phones run it: no syntax newer than ECMAScript 5, but typed arrays.
   challenge.h says what the page promises; puzzle.h what is counted as a solution. */
(function () {
    "use strict";
    /* SHA-256 (FIPS 180-4) of a puzzle and a decimal counter, which fit in one block together. Gives a function that tries
       `count` counters from `from` on, and returns the first that solves, or -1. It is also the worker's whole source, so it
       uses nothing from outside itself. */
    function engine(prefix, bits) {
        var round = new Int32Array(64), start = new Int32Array(8), words = new Int32Array(64), block = new Uint8Array(64);
        var found = 0, n;
        function root(prime, exponent) { /* the first 32 bits of its fraction */
            return Math.pow(prime, exponent) % 1 * 4294967296 | 0;
        }
        for (n = 2; found < 64; n++) {
            for (var divisor = 2; n % divisor; divisor++);
            if (divisor === n) {
                if (found < 8)
                    start[found] = root(n, 1 / 2);
                round[found++] = root(n, 1 / 3);
            }
        }
        function hash() { /* its first word: more zeroes than that nobody asks for */
            var a = start[0], b = start[1], c = start[2], d = start[3], e = start[4], f = start[5], g = start[6], h = start[7];
            var at = 0, i, t, x, y;
            for (i = 0; i < 64; i++) {
                if (i < 16) {
                    words[i] = block[at++] << 24 | block[at++] << 16 | block[at++] << 8 | block[at++];
                } else {
                    x = words[i - 15];
                    y = words[i - 2];
                    words[i] = words[i - 16] + words[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
                        ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
                }
                t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (g ^ e & (f ^ g)) + round[i] +
                    words[i] | 0;
                x = b & a | c & (b | a);
                h = g;
                g = f;
                f = e;
                e = d + t | 0;
                d = c;
                c = b;
                b = a;
                a = t + ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + x | 0;
            }
            return start[0] + a | 0;
        }
        function put(text, at) {
            for (var i = 0; i < text.length; i++)
                block[at++] = text.charCodeAt(i);
            return at;
        }
        put(prefix, 0);
        return function (from, count) {
            for (var counter = from; counter < from + count; counter++) {
                var end = put(String(counter), prefix.length);
                block[end] = 128;
                block[62] = end >>> 5; /* its length in bits */
                block[63] = end << 3;
                if (hash() >>> 32 - bits === 0)
                    return counter;
            }
            return -1;
        };
    }
    /* Neighbours get the same puzzle in the same second, and one solution is one pass: each begins elsewhere. */
    var first = Math.floor(Math.random() * 1e12);
    var batch = 2048, said = document.getElementById("say"), bar = document.getElementById("bar");
    var form = document.getElementById("again"), button = document.getElementById("press");
    var retry = document.getElementById("retry"), why = document.getElementById("why");
    var running = false, ready = false;
    var given = document.getElementsByName("ecluse")[0].content.split(" ");
    var bits = +given[0], seconds = +given[1], puzzle = given[2], way = said.getAttribute("data-way");
    function say(what) {
        said.textContent = said.getAttribute("data-" + what).replace("#", seconds);
    }
    function stop(what) {
        say(what);
        bar.hidden = true;
        if (why)
            why.hidden = true;
        if (retry)
            retry.hidden = false;
        if (button)
            button.disabled = false;
    }
    /* Solved three times in a minute and not let through: no fourth by itself. */
    function tried() {
        try {
            var times = (sessionStorage.getItem("ecluse") || "").split(",").filter(function (time) {
                return time && Date.now() - time < 60000;
            });
            times.push(Date.now());
            sessionStorage.setItem("ecluse", times.join(","));
            return times.length;
        } catch (refused) {
            return 1;
        }
    }
    function leave() {
        ready = true;
        if (way === "back") {
            stop("done");
            button.hidden = false;
            return;
        }
        say("done");
        bar.value = 1;
        if (way === "send")
            HTMLFormElement.prototype.submit.call(form); /* a field may be called "submit" */
        else
            location.reload();
    }
    function solved(counter) {
        var proof = "ecluse_proof=" + puzzle + ":" + counter;
        document.cookie = proof + "; Path=/; Max-Age=120; SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : "");
        if (document.cookie.indexOf(proof) < 0)
            stop("cookies");
        else
            leave();
    }
    function progress(done) {
        bar.value = Math.max(bar.value, 1 - Math.exp(-done / Math.pow(2, bits)));
    }
    function here() { /* without workers: in slices, so that the page stays alive */
        var run = engine(puzzle + ":", bits), from = first;
        setTimeout(function slice() {
            var counter = run(from, batch / 4);
            from += batch / 4;
            progress(from - first);
            if (counter < 0)
                setTimeout(slice, 0);
            else
                solved(counter);
        }, 0);
    }
    function work() {
        var source = "onmessage=function(e){var d=e.data,run=(" + engine + ")(d[0],d[1]),from=d[2],n;do{n=run(from,d[4]);" +
            "from+=d[3];postMessage(n)}while(n<0)}";
        var count = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 1) - 1)), workers = [], done = 0, i, worker;
        function end() {
            workers.forEach(function (each) {
                each.terminate();
            });
            workers = [];
        }
        function told(event) {
            done += batch;
            progress(done);
            if (event.data >= 0 && workers.length) {
                end();
                solved(event.data);
            }
        }
        function failed(event) {
            event.preventDefault();
            if (workers.length) {
                end();
                here();
            }
        }
        try {
            var address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
            for (i = 0; i < count; i++) {
                worker = new Worker(address);
                worker.onmessage = told;
                worker.onerror = failed;
                workers.push(worker);
                worker.postMessage([puzzle + ":", bits, first + i * batch, count * batch, batch]);
            }
        } catch (refused) {
            end();
            here();
        }
    }
    function wait() { /* nothing to solve: a place in the queue is what is missing */
        var begun = Date.now();
        var timer = setInterval(function () {
            bar.value = (Date.now() - begun) / 1000 / seconds;
            if (bar.value >= 1) {
                clearInterval(timer);
                leave();
            }
        }, 100);
    }
    function begin() {
        if (running)
            return;
        running = true;
        bar.hidden = false;
        if (button)
            button.disabled = true;
        if (puzzle && !navigator.cookieEnabled) {
            stop("cookies");
        } else if (puzzle && tried() > 3) {
            stop("failed");
        } else {
            say("work");
            (puzzle ? work : wait)();
        }
    }
    if (way === "back")
        button.onclick = function () {
            history.back();
        };
    if (form)
        form.onsubmit = function (event) {
            if (!ready) {
                event.preventDefault();
                running = false;
                begin();
            }
        };
    /* Who comes back by the back button is not sent forward again. */
    window.addEventListener("pageshow", function (event) {
        if (!event.persisted)
            return;
        ready = running = false;
        if (way === "reload")
            location.reload();
        else
            stop("stopped");
    });
    document.getElementById("work").hidden = false;
    var visits = window.performance && performance.getEntriesByType ? performance.getEntriesByType("navigation") : [];
    if (way === "send" && visits.length && visits[0].type === "back_forward")
        stop("stopped");
    else
        begin();
})();
