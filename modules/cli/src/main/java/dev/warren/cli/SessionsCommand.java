package dev.warren.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.gateway.admin.Operations;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.List;

/** {@code warren sessions}: which agents are there, and through which gateways. */
final class SessionsCommand {
  private static final int USUAL_LIMIT = 100;

  private static final Flag<SessionKey> AFTER =
      Flag.value(
          "--after", "ID", "Begin behind this session, as the page before ended", SessionKey::of);
  private static final Flag<Integer> LIMIT =
      Flag.value(
          "--limit",
          "NUMBER",
          "So many sessions at most, 1 to "
              + Operations.MAX_PAGE
              + " (default: "
              + USUAL_LIMIT
              + ")",
          Parse.integer(1, Operations.MAX_PAGE));
  private static final Flag<Boolean> WATCH =
      Flag.toggle("--watch", "Show it again every 2 s, until Ctrl-C");
  private static final Duration AGAIN = Duration.ofSeconds(2);
  private static final Flag<SessionKey> ID =
      Flag.operand("ID", "The session: an agent's id, or REALM/ID", SessionKey::of);

  static final Command COMMAND =
      Command.operating(
          "sessions",
          "List the sessions of the whole cluster, as any of its gateways knows them.",
          List.of(
              "warren sessions",
              "warren sessions --json --limit 500",
              "warren sessions --watch",
              "warren sessions show foo",
              "warren sessions close foo"),
          List.of(AFTER, LIMIT, WATCH, AdminClient.JSON_ONLY),
          SessionsCommand::list,
          List.of(
              Command.operating(
                  "show",
                  "Show one session: its tunnels, what checks found, where its entity lives.",
                  List.of("warren sessions show foo"),
                  List.of(ID, AdminClient.JSON_ONLY),
                  SessionsCommand::show,
                  List.of()),
              Command.operating(
                  "close",
                  "End all tunnels of a session, wherever they are; its agent is told why.",
                  List.of("warren sessions close foo"),
                  List.of(ID, AdminClient.JSON_ONLY),
                  SessionsCommand::close,
                  List.of())));

  private SessionsCommand() {}

  private static int list(Settings settings, Terminal terminal) throws Exception {
    int status = once(settings, terminal);
    while (settings.on(WATCH)) {
      Thread.sleep(AGAIN.toMillis());
      terminal.out().println();
      status = once(settings, terminal);
    }
    return status;
  }

  private static int once(Settings settings, Terminal terminal) throws Exception {
    String path =
        "sessions?limit="
            + settings.find(LIMIT).orElse(USUAL_LIMIT)
            + settings.find(AFTER).map(key -> "&after=" + key).orElse("");
    AdminClient.Answer answer = AdminClient.of(settings, terminal).get(path);
    if (answer.printed(settings, terminal)) {
      return ExitStatus.OK;
    }
    Table table =
        Table.of(
            "SESSION",
            "STATUS",
            "CHECKS",
            "HOLDER",
            "EPOCH",
            "SINCE",
            "REMOTE",
            "ROUND TRIP",
            "STREAMS",
            "RECEIVED",
            "SENT",
            "ENTITY");
    JsonNode sessions = answer.json().path("sessions");
    for (JsonNode session : sessions) {
      String name = session.path("session").asText();
      String status = session.path("status").asText();
      String entity = session.path("entity").path("gateway").asText(null);
      if (session.path("tunnels").isEmpty()) {
        table.row(
            name,
            status,
            checks(session),
            null,
            null,
            session.path("since").asText(null),
            null,
            null,
            null,
            null,
            null,
            entity);
      }
      for (JsonNode tunnel : session.path("tunnels")) {
        table.row(
            name,
            tunnel.path("draining").asBoolean() ? "draining" : status,
            checks(session),
            tunnel.path("holder").asText(),
            tunnel.path("epoch").asText(),
            tunnel.path("since").asText(),
            tunnel.path("remote").asText(),
            roundTrip(tunnel),
            tunnel.path("streams").asText(null),
            bytes(tunnel, "bytesReceived"),
            bytes(tunnel, "bytesSent"),
            entity);
      }
    }
    table.print(terminal.out());
    warnings(answer.json(), terminal);
    if (answer.json().path("more").asBoolean() && !sessions.isEmpty()) {
      terminal
          .err()
          .println(
              "There are more: --after "
                  + sessions.get(sessions.size() - 1).path("session").asText());
    }
    return ExitStatus.OK;
  }

  /** In one word or two; null where nothing is checked. */
  private static String checks(JsonNode session) {
    int failed = 0;
    for (JsonNode check : session.path("checks")) {
      failed += check.path("state").asText().equals("good") ? 0 : 1;
    }
    int all = session.path("checks").size();
    return all == 0 ? null : failed == 0 ? "good" : failed + " of " + all + " failed";
  }

  private static String roundTrip(JsonNode tunnel) {
    return tunnel.has("roundTripMillis") ? tunnel.path("roundTripMillis").asText() + " ms" : null;
  }

  private static String bytes(JsonNode tunnel, String name) {
    return tunnel.has(name) ? StatusCommand.size(tunnel.path(name).asLong()) : null;
  }

  private static void warnings(JsonNode answer, Terminal terminal) {
    if (answer.path("control").asText().equals("unavailable")) {
      terminal
          .err()
          .println(
              "The control plane does not answer: sessions that are offline, and the places of"
                  + " entities, are missing.");
    }
    for (JsonNode silent : answer.path("silent")) {
      terminal
          .err()
          .println(
              Table.shown(silent.asText())
                  + " does not answer: offline sessions whose entity lives there are missing.");
    }
  }

  private static int show(Settings settings, Terminal terminal) throws Exception {
    AdminClient.Answer answer =
        AdminClient.of(settings, terminal).get("sessions/" + settings.get(ID));
    if (answer.printed(settings, terminal)) {
      return ExitStatus.OK;
    }
    JsonNode session = answer.json();
    JsonNode entity = session.path("entity");
    new Table()
        .row("session", session.path("session").asText())
        .row("status", session.path("status").asText())
        .row("since", session.path("since").asText(null))
        .row("last connected", session.path("lastConnected").asText(null))
        .row("entity on", entity.path("gateway").asText(null))
        .row("its node", entity.path("node").asText(null))
        .row("duplicates", entity.path("policy").asText(null))
        .row("supersessions", entity.path("supersessions").asText(null))
        .print(terminal.out());
    if (!session.path("tunnels").isEmpty()) {
      terminal.out().println();
      Table tunnels =
          Table.of(
              "HOLDER",
              "INCARNATION",
              "INSTANCE",
              "CONNECTION",
              "EPOCH",
              "DRAINING",
              "SINCE",
              "REMOTE",
              "SOFTWARE",
              "ROUND TRIP",
              "STREAMS",
              "RECEIVED",
              "SENT");
      for (JsonNode tunnel : session.path("tunnels")) {
        tunnels.row(
            tunnel.path("holder").asText(),
            StatusCommand.brief(tunnel.path("holderIncarnation")),
            tunnel.path("instance").asText(),
            tunnel.path("connection").asText(),
            tunnel.path("epoch").asText(),
            StatusCommand.yesOrNo(tunnel.path("draining")),
            tunnel.path("since").asText(),
            tunnel.path("remote").asText(),
            tunnel.path("software").asText(),
            roundTrip(tunnel),
            tunnel.path("streams").asText(null),
            bytes(tunnel, "bytesReceived"),
            bytes(tunnel, "bytesSent"));
      }
      tunnels.print(terminal.out());
    }
    if (!session.path("checks").isEmpty()) {
      terminal.out().println();
      Table checks = Table.of("CHECK", "STATE", "SINCE", "LAST", "LATENCY", "REASON");
      for (JsonNode check : session.path("checks")) {
        checks.row(
            check.path("target").asText(),
            check.path("state").asText(),
            check.path("since").asText(),
            check.path("at").asText(),
            check.has("latencyMillis") ? check.path("latencyMillis").asText() + " ms" : null,
            check.path("reason").asText(null));
      }
      checks.print(terminal.out());
    }
    return ExitStatus.OK;
  }

  private static int close(Settings settings, Terminal terminal) throws Exception {
    SessionKey session = settings.get(ID);
    AdminClient.Answer answer = AdminClient.of(settings, terminal).delete("sessions/" + session);
    int unconfirmed = answer.json().path("unconfirmed").asInt();
    if (!answer.printed(settings, terminal)) {
      int closed = answer.json().path("closed").asInt();
      terminal
          .out()
          .println(
              "session "
                  + session
                  + ": "
                  + closed
                  + (closed == 1 ? " tunnel" : " tunnels")
                  + " closed");
      if (unconfirmed > 0) {
        terminal
            .err()
            .println(
                unconfirmed
                    + " at other gateways may still be open: "
                    + (answer.json().path("control").asText().equals("answered")
                        ? "their holders did not answer"
                        : "the control plane, which orders them closed, does not answer"));
      }
    }
    return unconfirmed > 0 ? ExitStatus.FAILED : ExitStatus.OK;
  }
}
