package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Pekko refuses to start with modules of different versions, but finds them by the manifests of
 * their jars: in the one jar that we ship, it would not notice. So it is noticed here, on the class
 * path that this jar is made of.
 */
class PekkoVersionsTest {
  private static final Pattern JAR = Pattern.compile("(pekko-.+)_2\\.13-([0-9][^/]*)\\.jar");

  @Test
  void allModulesOfPekkoHaveOneVersionAndAllOfPekkoHttp() {
    Map<String, Set<String>> versions = new TreeMap<>();
    List<String> modules = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Matcher jar = JAR.matcher(new File(entry).getName());
      if (jar.matches()) {
        String module = jar.group(1);
        boolean http = module.startsWith("pekko-http") || module.equals("pekko-parsing");
        modules.add(module);
        versions
            .computeIfAbsent(http ? "pekko-http" : "pekko", key -> new TreeSet<>())
            .add(jar.group(2));
      }
    }
    // What the class path is searched by has to find something.
    assertTrue(
        modules.containsAll(
            List.of("pekko-actor", "pekko-cluster", "pekko-stream", "pekko-http-core")),
        modules.toString());
    versions.forEach((family, found) -> assertEquals(1, found.size(), family + ": " + found));
    Config reference = ConfigFactory.defaultReference();
    assertEquals(versions.get("pekko"), Set.of(reference.getString("pekko.version")));
    assertEquals(versions.get("pekko-http"), Set.of(reference.getString("pekko.http.version")));
  }

  /** As long as it is on, a start from a class path fails where modules are mixed. */
  @Test
  void pekkosOwnCheckIsOn() {
    assertTrue(ConfigFactory.defaultReference().getBoolean("pekko.fail-mixed-versions"));
  }
}
