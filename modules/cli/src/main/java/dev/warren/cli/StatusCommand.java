package dev.warren.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.warren.cli.settings.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code warren status}: what a gateway is doing, and what it knows of the others. */
final class StatusCommand {
  static final Command COMMAND =
      Command.operating(
          "status",
          "Show what a gateway is doing: its cluster, links, sessions, dials and memory.",
          List.of(
              "warren status",
              "warren status --admin http://127.0.0.1:8130 --json",
              "warren status --admin http://10.0.0.7:8129 --token-file admin.token"),
          List.of(AdminClient.JSON_ONLY),
          StatusCommand::run,
          List.of());

  private StatusCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    AdminClient.Answer answer = AdminClient.of(settings, terminal).get("status");
    if (!answer.printed(settings, terminal)) {
      print(answer.json(), terminal);
    }
    return ExitStatus.OK;
  }

  private static void print(JsonNode status, Terminal terminal) {
    JsonNode gateway = status.path("gateway");
    JsonNode sessions = status.path("sessions");
    JsonNode dials = status.path("dials");
    JsonNode memory = status.path("memory");
    new Table()
        .row("gateway", gateway.path("id").asText() + "#" + brief(gateway.path("incarnation")))
        .row("version", gateway.path("version").asText())
        .row("since", gateway.path("since").asText())
        .row("state", state(gateway))
        .row("listens on", gateway.path("listen").asText())
        .row("links on", gateway.path("link").asText(null))
        .row("cluster on", gateway.path("cluster").asText(null))
        .row("control plane", control(status.path("control")))
        .row(
            "sessions",
            sessions.path("online").asText()
                + " online, "
                + sessions.path("ownTunnels").asText()
                + " tunnels here, "
                + sessions.path("entitiesHere").asText()
                + " entities here, "
                + sessions.path("waitingDials").asText()
                + " dials waiting")
        .row(
            "dials",
            dials.path("dials").asText()
                + ", of these "
                + dials.path("opened").asText()
                + " opened and "
                + dials.path("failed").asText()
                + " failed; "
                + dials.path("viaPeers").asText()
                + " tries over links, "
                + dials.path("again").asText()
                + " second tries, "
                + dials.path("hedged").asText()
                + " beside another, "
                + dials.path("waited").asText()
                + " waited, "
                + dials.path("askedControlPlane").asText()
                + " asked the control plane")
        .row("refused peers", refusals(status.path("refusedHandshakes")))
        .row(
            "memory",
            "heap "
                + share(memory, "heapUsed", "heapMax")
                + ", credit "
                + share(memory, "creditInUse", "creditLimit")
                + ", relayed "
                + share(memory, "relayInUse", "relayLimit"))
        .print(terminal.out());
    JsonNode members = status.path("control").path("members");
    if (!members.isEmpty()) {
      terminal.out().println();
      Table table = Table.of("MEMBER", "INCARNATION", "ADDRESS", "STATUS", "REACHABLE", "OLDEST");
      for (JsonNode member : members) {
        table.row(
            member.path("id").asText(),
            brief(member.path("incarnation")),
            member.path("address").asText(),
            member.path("status").asText(),
            yesOrNo(member.path("reachable")),
            yesOrNo(member.path("oldest")));
      }
      table.print(terminal.out());
    }
    if (!status.path("links").isEmpty()) {
      terminal.out().println();
      Table table =
          Table.of(
              "LINK TO",
              "INCARNATION",
              "ADDRESS",
              "UP",
              "CONNECTIONS",
              "STREAMS",
              "ROUND TRIP",
              "COMPLETE",
              "SINCE",
              "SENT",
              "RECEIVED");
      for (JsonNode link : status.path("links")) {
        table.row(
            link.path("id").asText(),
            brief(link.path("incarnation")),
            link.path("address").asText(),
            yesOrNo(link.path("up")),
            link.path("connections").asText(),
            link.path("streams").asText(),
            link.has("roundTripMillis") ? link.path("roundTripMillis").asText() + " ms" : null,
            yesOrNo(link.path("complete")),
            link.path("since").asText(),
            size(link.path("bytesSent").asLong()),
            size(link.path("bytesReceived").asLong()));
      }
      table.print(terminal.out());
    }
  }

  private static String state(JsonNode gateway) {
    return gateway.path("draining").asBoolean()
        ? "draining"
        : gateway.path("ready").asBoolean() ? "ready" : "not ready";
  }

  private static String control(JsonNode control) {
    String state = control.path("state").asText();
    if (state.equals("none")) {
      return "none: this gateway is alone";
    }
    String reason = control.path("lastReason").asText();
    return state
        + (control.has("clusterId") ? " of cluster " + brief(control.path("clusterId")) : "")
        + " since "
        + control.path("since").asText()
        + ", "
        + control.path("restarts").asText()
        + " restarts"
        + (reason.isEmpty() ? "" : " (last: " + reason + ")");
  }

  private static String refusals(JsonNode refused) {
    List<String> reasons = new ArrayList<>();
    for (Map.Entry<String, JsonNode> reason : refused.path("byReason").properties()) {
      if (reason.getValue().asLong() > 0) {
        reasons.add(reason.getValue().asText() + " " + reason.getKey());
      }
    }
    return refused.path("total").asText()
        + (reasons.isEmpty() ? "" : ": " + String.join(", ", reasons));
  }

  private static String share(JsonNode memory, String used, String most) {
    return size(memory.path(used).asLong()) + " of " + size(memory.path(most).asLong());
  }

  /** Bytes for people. */
  static String size(long bytes) {
    if (bytes < 1_024) {
      return bytes + " B";
    }
    int unit = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
    double value = (double) bytes / (1L << 10 * unit);
    return String.format(
        java.util.Locale.ROOT,
        value < 10 ? "%.1f %siB" : "%.0f %siB",
        value,
        "KMGTPE".charAt(unit - 1));
  }

  /** As logs show incarnations. */
  static String brief(JsonNode id) {
    String text = id.asText();
    return text.length() > 8 ? text.substring(0, 8) : text;
  }

  static String yesOrNo(JsonNode value) {
    return value.asBoolean() ? "yes" : "no";
  }
}
