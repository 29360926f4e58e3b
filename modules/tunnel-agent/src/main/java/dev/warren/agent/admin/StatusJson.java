package dev.warren.agent.admin;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.pool.GatewayStatus;
import dev.warren.agent.pool.PoolStatus;
import dev.warren.agent.pool.TunnelStatus;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;

/** The status of agents as JSON. Written by hand: an agent has no other use for a library. */
final class StatusJson {
  private final StringBuilder out = new StringBuilder(1_024);

  private StatusJson() {}

  static String of(List<Agent> agents) {
    StatusJson json = new StatusJson();
    json.out.append('{');
    json.list("agents", agents, StatusJson::agent);
    json.out.append("}\n");
    return json.out.toString();
  }

  private void agent(Agent agent) {
    PoolStatus pool = agent.pool();
    text("session", agent.settings().session().toString());
    text("state", name(pool.state()));
    if (pool.wanted() == AgentSettings.ALL_TUNNELS) {
      text("wanted", "all");
    } else {
      number("wanted", pool.wanted());
    }
    number("target", pool.target());
    number("dials", pool.dials());
    number("pendingDials", agent.pendingDials());
    text("reason", agent.tunnel().reason());
    list("tunnels", pool.tunnels(), StatusJson::tunnel);
    list("gateways", pool.gateways(), StatusJson::gateway);
  }

  private void tunnel(TunnelStatus tunnel) {
    text("state", name(tunnel.state()));
    text("gateway", tunnel.gateway());
    text("address", tunnel.address().toString());
    text("direct", tunnel.direct());
    text("since", tunnel.since().toString());
    number("connection", tunnel.connection());
    number("epoch", tunnel.epoch());
    number("streams", tunnel.streams());
    if (tunnel.roundTripNanos() >= 0) {
      number("roundTripMicros", tunnel.roundTripNanos() / 1_000);
    }
    number("receivedBytes", tunnel.receivedBytes());
    number("sentBytes", tunnel.sentBytes());
  }

  private void gateway(GatewayStatus gateway) {
    text("id", gateway.id());
    number("generation", gateway.generation());
    key("draining").append(gateway.draining());
    text("address", gateway.address());
    text("route", gateway.route());
    key("held").append(gateway.held());
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private StringBuilder key(String key) {
    if (out.charAt(out.length() - 1) != '{') {
      out.append(',');
    }
    return quoted(key).append(':');
  }

  private void text(String key, String value) {
    key(key);
    quoted(value);
  }

  private void number(String key, long value) {
    key(key).append(value);
  }

  private <T> void list(String key, List<T> values, BiConsumer<StatusJson, T> fields) {
    key(key).append('[');
    for (int i = 0; i < values.size(); i++) {
      out.append(i == 0 ? "{" : ",{");
      fields.accept(this, values.get(i));
      out.append('}');
    }
    out.append(']');
  }

  private StringBuilder quoted(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ' || Character.isSurrogate(c)) {
        out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"');
  }
}
