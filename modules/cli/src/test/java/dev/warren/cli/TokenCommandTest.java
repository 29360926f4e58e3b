package dev.warren.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.access.Token;
import dev.warren.peer.token.ClusterToken;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenCommandTest {
  @ParameterizedTest
  @CsvSource({"agent, wag_", "caller, wcl_", "admin, wad_"})
  void secretStandsAloneOnStandardOutputAndItsLineOnStandardError(String kind, String prefix) {
    Run run = Run.of("token", kind, "--id", "foo,web-*", "--name", "ci");
    assertEquals(ExitStatus.OK, run.status());
    String token = run.out().strip();
    assertTrue(token.startsWith(prefix));
    assertEquals(token + System.lineSeparator(), run.out());
    assertEquals(Token.hash(token) + "  foo,web-*  ci" + System.lineSeparator(), run.err());
    assertFalse(run.err().contains(token));
  }

  @Test
  void operatorsTokenIsGoodForEverythingUnlessSaidOtherwise() {
    Run run = Run.of("token", "admin", "--name", "alice");
    assertEquals(ExitStatus.OK, run.status(), run.err());
    assertEquals(
        Token.hash(run.out().strip()) + "  */*  alice" + System.lineSeparator(), run.err());
  }

  @Test
  void hashOfATokenIsTheLineThatCameWithIt() {
    Run made = Run.of("token", "agent", "--id", "foo");
    Run hashed = Run.with(made.out(), Map.of(), "token", "hash", "--id", "foo");
    assertEquals(ExitStatus.OK, hashed.status(), hashed.err());
    assertEquals(made.err(), hashed.out());
  }

  @Test
  void clusterTokenHasNoLine() {
    Run run = Run.of("token", "cluster");
    assertTrue(run.out().startsWith("wck_"));
    assertEquals("", run.err());
  }

  @Test
  void clusterTokenIsWhatGatewaysTake() {
    ClusterToken.parse(Run.of("token", "cluster").out().strip());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"'' | no token", "short | 22", "'with blank in the middle of it' | one word"})
  void whatIsNoTokenIsRefused(String input, String expected) {
    Run run = Run.with(input, Map.of(), "token", "hash", "--id", "foo");
    assertEquals(ExitStatus.USAGE, run.status());
    assertTrue(run.err().contains(expected), run.err());
    assertTrue(input.isEmpty() || !run.err().contains(input), "the message shows the token");
  }

  @Test
  void lineThatAGatewayWouldRefuseIsNotMade() {
    for (String[] wrong :
        new String[][] {
          {"token", "agent"},
          {"token", "agent", "--id", "a b"},
          {"token", "agent", "--id", "a/b/c"},
          {"token", "agent", "--id", "foo", "--name", "a b"}
        }) {
      Run run = Run.of(wrong);
      assertEquals(ExitStatus.USAGE, run.status(), run.err());
      assertEquals("", run.out(), "no token that nobody can use");
    }
  }

  @Test
  void flagsOfTokensDoNotComeFromTheEnvironment() {
    Run run = Run.with("", Map.of("WARREN_ID", "foo"), "token", "agent");
    assertEquals(ExitStatus.USAGE, run.status());
  }
}
