# Varnish with what it has of its own against a flood: shape by regular expression, a day of grace, negative answers in a
# store of their own, coalescing, bounded backends for each costly route. It has no limit of rates in its stock package.
vcl 4.1;
backend parcels { .host = "@ORIGIN_HOST@"; .port = "@ORIGIN_PORT@"; .max_connections = 150; .connect_timeout = 1s;
                  .first_byte_timeout = 2s; .between_bytes_timeout = 2s; }
backend login { .host = "@ORIGIN_HOST@"; .port = "@ORIGIN_PORT@"; .max_connections = 1; .connect_timeout = 1s;
                .first_byte_timeout = 2s; }
backend search { .host = "@ORIGIN_HOST@"; .port = "@ORIGIN_PORT@"; .max_connections = 2; .connect_timeout = 1s;
                 .first_byte_timeout = 2s; }
backend scan { .host = "@ORIGIN_HOST@"; .port = "@ORIGIN_PORT@"; .max_connections = 4; .connect_timeout = 1s;
               .first_byte_timeout = 2s; }

sub vcl_recv {
    if (req.url ~ "^/suivi/") {
        if (req.url !~ "^/suivi/([A-Z]{2}[0-9]{9}[A-Z]{2}|[0-9A-Z]{11,18})$") { return (synth(404)); }
        if (req.method != "GET" && req.method != "HEAD") { return (synth(405)); }
        unset req.http.Cookie;
        set req.backend_hint = parcels;
        return (hash);
    }
    if (req.url == "/connexion") { set req.backend_hint = login; return (pass); }
    if (req.url ~ "^/recherche(\?|$)") { set req.backend_hint = search; return (pass); }
    if (req.url == "/scans" || req.url == "/_counts") { set req.backend_hint = scan; return (pass); }
    return (synth(404));
}

sub vcl_backend_response {
    if (bereq.uncacheable) { return (deliver); }
    if (beresp.status == 200) {
        set beresp.ttl = 60s; set beresp.grace = 24h; set beresp.storage = storage.known;
    } elsif (beresp.status == 404) {
        set beresp.ttl = 30s; set beresp.grace = 30s; set beresp.storage = storage.negative;
    } elsif (beresp.status >= 500) {
        if (bereq.is_bgfetch) { return (abandon); }
        set beresp.ttl = 0s; set beresp.uncacheable = true;
    }
}
