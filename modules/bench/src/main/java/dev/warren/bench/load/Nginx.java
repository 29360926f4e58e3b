package dev.warren.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** nginx, as origin and as yardstick. */
final class Nginx {
  private Nginx() {}

  /**
   * @param server what stands inside of {@code http}
   */
  static Child start(Bench bench, String name, String server) {
    Path prefix = bench.directory().resolve(name);
    Path config = prefix.resolve("nginx.conf");
    try {
      Files.createDirectories(prefix);
      Files.writeString(config, common(prefix) + server + "}\n");
    } catch (IOException e) {
      throw new LoadException("cannot write " + config + ": " + e.getMessage(), e);
    }
    return bench
        .children()
        .start(
            name,
            List.of(bench.tools().nginx().toString(), "-p", prefix + "/", "-c", config.toString()),
            Map.of());
  }

  /** One process each, as with {@code worker_processes 1}, and with nothing outside its prefix. */
  private static String common(Path prefix) {
    StringBuilder text =
        new StringBuilder(
            """
            daemon off;
            master_process off;
            worker_processes 1;
            error_log stderr;
            pid nginx.pid;
            events { worker_connections 4096; }
            http {
              access_log off;
              sendfile on;
              tcp_nodelay on;
              keepalive_timeout 300s;
              keepalive_requests 100000000;
            """);
    for (String kind : List.of("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) {
      text.append("  ").append(kind).append("_temp_path ").append(prefix).append("/temp;\n");
    }
    return text.toString();
  }
}
