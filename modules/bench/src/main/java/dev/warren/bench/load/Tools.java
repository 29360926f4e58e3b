package dev.warren.bench.load;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The programs of others that the harness starts. */
record Tools(Path nginx, Path wrk, Path curl, Path h2load, Path jcmd) {
  /** Debian keeps nginx where only root looks. */
  private static final List<String> ELSEWHERE = List.of("/usr/sbin", "/usr/local/sbin");

  /** Finds all of them, or says which are missing and what brings them. */
  static Tools find() {
    List<String> missing = new ArrayList<>();
    Path nginx = find("nginx", "nginx-light", missing);
    Path wrk = find("wrk", "wrk", missing);
    Path curl = find("curl", "curl", missing);
    Path h2load = find("h2load", "nghttp2-client", missing);
    if (!missing.isEmpty()) {
      throw new LoadException(
          "missing: "
              + String.join(", ", missing)
              + " (expected on the PATH; on Debian: apt-get install nginx-light wrk curl nghttp2-client)");
    }
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    if (!Files.isExecutable(jcmd)) {
      throw new LoadException(
          "there is no " + jcmd + " (expected: a JDK, since jcmd tells the size of a heap)");
    }
    return new Tools(nginx, wrk, curl, h2load, jcmd);
  }

  private static Path find(String name, String debianPackage, List<String> missing) {
    List<String> places = new ArrayList<>();
    String path = System.getenv("PATH");
    if (path != null) {
      places.addAll(List.of(path.split(File.pathSeparator)));
    }
    places.addAll(ELSEWHERE);
    for (String place : places) {
      if (!place.isEmpty() && Files.isExecutable(Path.of(place, name))) {
        return Path.of(place, name);
      }
    }
    missing.add(name + " (package " + debianPackage + ")");
    return null;
  }
}
