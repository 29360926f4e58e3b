package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script ./warren, in a source tree that has nothing but file names, with a mvn and a java that
 * say what they were asked.
 */
class LauncherTest {
  private static final Instant LONG_AGO = Instant.parse("2020-01-01T00:00:00Z");

  @TempDir Path directory;
  private Path tree;
  private Path bin;
  private Path jar;
  private Path mvnRuns;
  private Path archiveRuns;

  @BeforeEach
  void makeTree() throws IOException {
    tree = directory.resolve("a tree");
    bin = Files.createDirectories(directory.resolve("bin"));
    mvnRuns = directory.resolve("mvn-runs");
    archiveRuns = directory.resolve("archive-runs");
    jar = tree.resolve("modules/cli/target/warren.jar");
    Path script = Path.of("../../warren").toAbsolutePath().normalize();
    write(tree.resolve("pom.xml"), "", LONG_AGO);
    write(tree.resolve("modules/cli/pom.xml"), "", LONG_AGO);
    write(tree.resolve("modules/cli/src/main/java/A.java"), "", LONG_AGO);
    write(tree.resolve("modules/cli/src/test/java/ATest.java"), "", Instant.now());
    Files.copy(script, tree.resolve("warren"));
    // The build takes long enough for others to come by; who holds the lock decides, not the clock.
    tool(
        "mvn",
        "echo run >>"
            + mvnRuns
            + "; echo 'what mvn says'; [ ! -e fails ] || exit 1; : >"
            + "modules/cli/target/warren.jar");
    jdk("17.0.1");
  }

  private static void write(Path file, String content, Instant modified) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
    Files.setLastModifiedTime(file, FileTime.from(modified));
  }

  private void tool(String name, String body) throws IOException {
    executable(bin.resolve(name), body);
  }

  private static void executable(Path file, String body) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Path jdk(String version) throws IOException {
    Path home = directory.resolve("jdk");
    executable(
        home.resolve("bin/java"),
        "for a; do printf '<%s>' \"$a\"; done\n"
            + "case $* in *ClassArchives*)\n"
            + "  echo run >>'"
            + archiveRuns
            + "'; [ ! -e '"
            + directory.resolve("no-archives")
            + "' ] || exit 1\n"
            + "  while [ $# -gt 2 ]; do shift; done; echo a >\"$1\"; echo a >\"$2\";;\n"
            + "esac");
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  private record Ended(int status, String out, String err) {}

  private Ended run(Path script, Map<String, String> environment, String... arguments)
      throws Exception {
    return ended(started(script, environment, arguments));
  }

  private Process started(Path script, Map<String, String> environment, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(Path.of("/").toFile());
    builder.environment().remove("WARREN_JAVA_OPTS");
    builder.environment().remove("WARREN_ARCHIVES");
    builder.environment().put("JAVA_HOME", directory.resolve("jdk").toString());
    builder.environment().put("PATH", bin + ":" + System.getenv("PATH"));
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static Ended ended(Process process) throws Exception {
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Ended(process.exitValue(), out, err);
  }

  private Ended run(String... arguments) throws Exception {
    return run(tree.resolve("warren"), new HashMap<>(), arguments);
  }

  private long builds() throws IOException {
    return lines(mvnRuns);
  }

  private long archivings() throws IOException {
    return lines(archiveRuns);
  }

  private static long lines(Path file) throws IOException {
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  private Path archive(String command, String version) throws IOException {
    String home = directory.resolve("jdk").toRealPath().toString().replace('/', '_');
    return jar.resolveSibling("warren-" + command + "-" + version + home + ".jsa");
  }

  @Test
  void missingJarIsBuiltOnceAndThenStarted() throws Exception {
    Ended first = run("version", "two words");
    assertEquals(0, first.status(), first.err());
    assertTrue(first.out().endsWith("<-jar><" + jar + "><version><two words>"), first.out());
    assertTrue(first.err().contains("building"), first.err());
    Ended second = run("version");
    assertEquals("", second.err());
    assertEquals(1, builds());
  }

  @Test
  void olderJarIsBuiltAnew() throws Exception {
    run("version");
    write(tree.resolve("modules/cli/src/main/java/B.java"), "", Instant.now().plusSeconds(5));
    run("version");
    assertEquals(2, builds());
    write(tree.resolve("modules/cli/src/main/java/B.java"), "", LONG_AGO);
    write(tree.resolve("modules/cli/pom.xml"), "", Instant.now().plusSeconds(5));
    run("version");
    assertEquals(3, builds());
  }

  @Test
  void newerTestOrOutputIsNoReasonToBuild() throws Exception {
    run("version");
    write(tree.resolve("modules/cli/src/test/java/B.java"), "", Instant.now().plusSeconds(5));
    write(tree.resolve("modules/cli/target/src/main/x"), "", Instant.now().plusSeconds(5));
    run("version");
    assertEquals(1, builds());
  }

  @Test
  void failedBuildShowsWhatMavenSaidAndStartsNothing() throws Exception {
    Files.writeString(tree.resolve("fails"), "");
    Ended run = run("version");
    assertEquals(1, run.status());
    assertTrue(
        run.err().contains("what mvn says") && run.err().contains("build failed"), run.err());
    assertEquals("", run.out());
  }

  @Test
  void startsAtOneTimeBuildOnce() throws Exception {
    List<Process> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.add(started(tree.resolve("warren"), Map.of(), "version"));
    }
    for (Process one : all) {
      assertEquals(0, ended(one).status());
    }
    assertEquals(1, builds());
  }

  @Test
  void linksLeadToTheTree() throws Exception {
    Path hop = Files.createSymbolicLink(bin.resolve("hop"), Path.of("../a tree/warren"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), hop);
    Ended run = run(link, Map.of(), "version");
    assertTrue(run.out().endsWith("<-jar><" + jar + "><version>"), run.out() + run.err());
  }

  @Test
  void optionsFitTheVersionOfJava() throws Exception {
    assertTrue(!run().out().contains("native-access"));
    jdk("22");
    String two = run().out();
    assertTrue(two.contains("<--enable-native-access=ALL-UNNAMED>"), two);
    assertTrue(!two.contains("unsafe"), two);
    jdk("25.0.1");
    assertTrue(run().out().contains("<--sun-misc-unsafe-memory-access=allow>"));
  }

  @Test
  void optionsOfTheUserComeLast() throws Exception {
    Ended run = run(tree.resolve("warren"), Map.of("WARREN_JAVA_OPTS", "-Xmx1g  -Dx=y"), "version");
    assertTrue(run.out().contains("<-Xmx256m>"), run.out());
    assertTrue(run.out().contains("<-Xmx1g><-Dx=y><-jar>"), run.out());
  }

  @Test
  void wrongJavaIsRefusedWithWhatWasExpected() throws Exception {
    jdk("11.0.2");
    Ended old = run();
    assertEquals(1, old.status());
    assertTrue(old.err().contains("Java 11 (expected: 17 or later)"), old.err());
    Ended none = run(tree.resolve("warren"), Map.of("JAVA_HOME", "/no/such"), "version");
    assertTrue(none.err().contains("JAVA_HOME is \"/no/such\""), none.err());
  }

  @Test
  void archivesAreMadeAfterTheBuildAndUsedFromThenOn() throws Exception {
    Ended built = run("version");
    assertTrue(built.err().contains("making archives"), built.err());
    assertFalse(built.out().contains("SharedArchiveFile"), built.out());
    for (String command : List.of("gateway", "agent")) {
      Ended run = run(command);
      assertEquals("", run.err());
      String expected = "<-XX:SharedArchiveFile=" + archive(command, "17.0.1") + "><-Xshare:auto>";
      assertTrue(run.out().contains(expected), run.out());
    }
    assertEquals(1, archivings());
  }

  @Test
  void missingArchiveIsMadeForWhomItServesAndForNobodyElse() throws Exception {
    run("version");
    Files.delete(archive("agent", "17.0.1"));
    run("token");
    assertEquals(1, archivings());
    assertTrue(run("agent").out().contains("SharedArchiveFile"));
    assertEquals(2, archivings());
  }

  @Test
  void archiveOlderThanTheJarIsMadeAnew() throws Exception {
    run("version");
    Files.setLastModifiedTime(archive("gateway", "17.0.1"), FileTime.from(LONG_AGO));
    assertTrue(run("gateway").out().contains("SharedArchiveFile"));
    assertEquals(2, archivings());
  }

  @Test
  void archiveOfAnotherJavaIsNotUsed() throws Exception {
    run("version");
    jdk("17.0.2");
    Ended run = run("gateway");
    assertTrue(
        run.out().contains("<-XX:SharedArchiveFile=" + archive("gateway", "17.0.2") + ">"),
        run.out());
    assertEquals(2, archivings());
  }

  @Test
  void failedArchivesAreTriedOnceAndDoNoHarm() throws Exception {
    Files.writeString(directory.resolve("no-archives"), "");
    assertTrue(run("version").err().contains("no archives"));
    Ended run = run("agent");
    assertEquals(0, run.status());
    assertEquals("", run.err());
    assertFalse(run.out().contains("SharedArchiveFile"), run.out());
    assertEquals(1, archivings());
  }

  @Test
  void archivesCanBeTurnedOff() throws Exception {
    Ended run = run(tree.resolve("warren"), Map.of("WARREN_ARCHIVES", "off"), "agent");
    assertFalse(run.out().contains("SharedArchiveFile"), run.out());
    assertEquals(0, archivings());
  }

  @Test
  void agentStartsFromItsOwnJarOnceAnArchiveProvesThatItRuns() throws Exception {
    Path own = jar.resolveSibling("warren-agent.jar");
    Files.writeString(directory.resolve("no-archives"), "");
    run("version");
    write(own, "", Files.getLastModifiedTime(jar).toInstant());
    assertTrue(run("agent").out().contains("<-jar><" + jar + ">"));
    Files.delete(directory.resolve("no-archives"));
    Files.delete(archive("agent", "17.0.1"));
    assertTrue(run("agent").out().contains("<-jar><" + own + ">"));
    assertTrue(run("gateway").out().contains("<-jar><" + jar + ">"));
    write(own, "", LONG_AGO);
    assertTrue(run("agent").out().contains("<-jar><" + jar + ">"));
  }
}
