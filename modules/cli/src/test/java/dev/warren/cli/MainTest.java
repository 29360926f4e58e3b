package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.cli.settings.Flag;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @TempDir Path directory;

  private static void refused(Run run, String... parts) {
    assertEquals(ExitStatus.USAGE, run.status(), run.err());
    for (String part : parts) {
      assertTrue(run.err().contains(part), part + " in " + run.err());
    }
    assertEquals("", run.out());
  }

  @Test
  void helpGoesToStandardOutputAndNamesEveryFlagWithItsDefault() {
    for (Command command : Main.COMMANDS) {
      Run help = Run.of(command.name(), "--help");
      assertEquals(ExitStatus.OK, help.status());
      assertEquals("", help.err());
      for (Flag<?> flag : command.flags()) {
        assertTrue(help.out().contains(flag.name()), flag + " in " + help.out());
      }
    }
    String gateway = Run.of("gateway", "--help").out();
    assertTrue(gateway.contains("(default: 127.0.0.1:8123)"), gateway);
    assertTrue(gateway.contains("Examples:") && gateway.contains("Exit status:"), gateway);
  }

  @Test
  void commandIsNeeded() {
    refused(Run.of(), "Usage: warren");
    refused(Run.of("token"), "Usage: warren token");
  }

  @Test
  void wrongCommandLineIsRefusedWithASuggestion() {
    refused(Run.of("gatewy"), "gatewy", "Did you mean", "gateway", "Try `warren --help`.");
    refused(Run.of("gateway", "--lisen", "x"), "--lisen", "--listen", "warren gateway --help");
    refused(Run.of("gateway", "--listen"), "--listen");
    refused(Run.of("gateway", "--listen", "a:1", "--listen", "b:1"), "--listen");
    refused(Run.of("gateway", "extra"), "extra");
  }

  /** Every one of these must stop the start before anything is bound. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gateway | --listen | 8123 | HOST:PORT",
        "gateway | --listen | :8123 | HOST:PORT",
        "gateway | --listen | ::1:8123 | HOST:PORT",
        "gateway | --listen | 127.0.0.1:65536 | HOST:PORT",
        "gateway | --listen | no.such.host.invalid:1 | a host that has an address",
        "gateway | --id | a_b | a-z",
        "gateway | --event-loops | two | whole number",
        "gateway | --event-loops | 1025 | 0 to 1024",
        "gateway | --memory-budget | 1x | as in 64M",
        "gateway | --memory-budget | 0% | as in 25%",
        "gateway | --memory-budget | 101% | as in 25%",
        "gateway | --memory-budget | 1000 | at least 1048576",
        "gateway | --dial-timeout | 10 | with its unit",
        "gateway | --dial-timeout | 0s | with its unit",
        "gateway | --dial-timeout | 2h | 1h",
        "gateway | --max-tunnels | 0 | at least 1",
        "gateway | --trusted-proxies | 10.0.0.1/8 | no bits behind the prefix",
        "gateway | --accept-proxy-protocol | maybe | true or false",
        "gateway | --accept-proxy-protocol | true | --trusted-proxies",
        "gateway | --log-level | loud | error, warn, info, debug",
        "gateway | --log-format | xml | text, json",
        "gateway | --config | /no/such/file | a file that can be read",
        "files | --root | /no/such/directory | a directory",
        "files | --listen | 0.0.0.0:x | HOST:PORT",
        "agent | --id | a*b | letters",
      })
  void wrongValueStopsTheStartWithItsNameAndWhatWasExpected(
      String command, String flag, String value, String expected) {
    refused(
        Run.of(command, flag, value),
        flag,
        value.equals("true") ? "" : value,
        "expected",
        expected);
  }

  @Test
  void settingsThatDoNotFitEachOtherStopTheStart() {
    refused(
        Run.of("gateway", "--tls-cert", "chain.pem"),
        "--tls-cert without --tls-key",
        "both or neither",
        "--tls-cert was set on the command line");
    refused(
        Run.of("gateway", "--agent-tokens", "/no/such/file"),
        "--agent-tokens: there is no file /no/such/file");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://gw/connect", "gw:8123", "ws://"})
  void wrongGatewayAddressStopsTheAgent(String address) {
    refused(Run.of("agent", "--id", "foo", "--connect", address), "--connect", address, "ws://");
  }

  @Test
  void wrongRuleStopsTheAgent() {
    refused(
        Run.of("agent", "--id", "foo", "--connect", "ws://127.0.0.1:1", "--allow", "127.0.0.1:0x"),
        "127.0.0.1:0x",
        "expected");
  }

  @Test
  void whatIsRequiredIsNamedWithItsThreeWays() {
    refused(Run.of("agent"), "--id", "WARREN_ID", "warren.agent.id", "missing");
    refused(Run.of("agent", "--id", "foo"), "--connect", "WARREN_CONNECT", "missing");
  }

  @Test
  void offLoopbackWithoutTokensIsRefusedWithWhatToDo() {
    refused(
        Run.of("gateway", "--listen", "0.0.0.0:8123"),
        "./warren token agent",
        "./warren token caller",
        "--tls-cert",
        "--listen was set on the command line");
  }

  @Test
  void sourceOfAWrongValueIsNamed() throws IOException {
    refused(
        Run.with("", Map.of("WARREN_EVENT_LOOPS", "-1"), "gateway"),
        "--event-loops: \"-1\"",
        "WARREN_EVENT_LOOPS in the environment");
    Path file = directory.resolve("warren.conf");
    Files.writeString(file, "warren {\n  gateway.event-loops = -1\n}\n");
    refused(
        Run.of("gateway", "--config", file.toString()),
        "--event-loops: \"-1\"",
        "warren.gateway.event-loops in " + file + ", line 2");
    refused(
        Run.with("", Map.of("WARREN_CONFIG", file.toString()), "gateway"),
        "warren.gateway.event-loops in " + file);
  }

  @Test
  void tokenOfAnotherKindOrADamagedOneStopsTheAgentAndIsNotShown() {
    String caller = Run.of("token", "caller", "--id", "foo").out().strip();
    Run run =
        Run.with(
            "",
            Map.of("WARREN_TOKEN", caller),
            "agent",
            "--id",
            "foo",
            "--connect",
            "ws://127.0.0.1:1");
    refused(run, "WARREN_TOKEN", "a caller's token", "an agent's");
    assertFalse(run.err().contains(caller));
    String agent = Run.of("token", "agent", "--id", "foo").out().strip();
    String cut = agent.substring(0, agent.length() - 1);
    Run damaged =
        Run.with(
            "",
            Map.of("WARREN_TOKEN", cut),
            "agent",
            "--id",
            "foo",
            "--connect",
            "ws://127.0.0.1:1");
    refused(damaged, "WARREN_TOKEN", "damaged");
    assertFalse(damaged.err().contains(cut));
  }

  @Test
  void tokenInTwoPlacesOfTheEnvironmentIsRefused() {
    refused(
        Run.with(
            "",
            Map.of("WARREN_TOKEN", "x".repeat(30), "WARREN_TOKEN_FILE", "foo.token"),
            "agent",
            "--id",
            "foo",
            "--connect",
            "ws://127.0.0.1:1"),
        "WARREN_TOKEN",
        "WARREN_TOKEN_FILE",
        "one of them");
  }

  @Test
  void portThatIsTakenIsAFailureAndNoMisuse() throws IOException {
    try (java.net.ServerSocket taken =
        new java.net.ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))) {
      String address = "127.0.0.1:" + taken.getLocalPort();
      for (String command : List.of("gateway", "files")) {
        Run run = Run.of(command, "--listen", address);
        assertEquals(ExitStatus.FAILED, run.status(), run.err());
        assertTrue(run.err().contains(address), run.err());
        assertTrue(run.err().contains("warren " + command + " failed"), run.err());
      }
    }
  }

  @Test
  void versionSaysWhatRuns() {
    Run version = Run.of("version");
    assertEquals(ExitStatus.OK, version.status());
    assertTrue(
        version.out().matches("(?s)warren \\d+\\.\\d+\\.\\d+\\S*\njava .*\nnetty 4\\..*"),
        version.out());
  }

  /**
   * reference.conf is the manual of all settings: nothing in it is unknown, nothing is left out.
   */
  @Test
  void manualNamesEverySetting() throws IOException {
    String manual;
    try (InputStream in = Main.class.getResourceAsStream("reference.conf")) {
      manual = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (Map.Entry<String, List<Flag<?>>> command : Main.catalog().commands().entrySet()) {
      int block = manual.indexOf("  " + command.getKey() + " {");
      assertTrue(block > 0, command.getKey());
      String text = manual.substring(block, manual.indexOf("\n  }", block));
      for (Flag<?> flag : command.getValue()) {
        assertTrue(
            text.matches("(?s).*\n    (# )?" + flag.key() + " = .*"),
            command.getKey() + "." + flag.key());
      }
    }
  }
}
