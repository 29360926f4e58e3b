package dev.warren.multijvm.process;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.warren.multijvm.load.Answer;
import dev.warren.multijvm.load.Caller;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

/** An operator at one gateway, by way of /api/v1. */
public final class AdminClient {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> MEASURED =
      List.of("roundTripMillis", "streams", "bytesReceived", "bytesSent");
  private static final Duration WITHIN = Duration.ofSeconds(15);

  private final Caller caller;

  AdminClient(Caller caller) {
    this.caller = caller;
  }

  /** Everything that the gateway tells of itself. */
  public JsonNode status() throws IOException {
    return json("GET", "/api/v1/status");
  }

  /** Of the control plane: none, starting, joining, member, split, restarting or stopped. */
  public String controlState() throws IOException {
    return status().path("control").path("state").asText();
  }

  /** The members of the cluster as this gateway sees it, only those that are up and reachable. */
  public List<String> members() throws IOException {
    return ids(
        status().path("control").path("members"),
        member ->
            member.path("reachable").asBoolean()
                && "up".equalsIgnoreCase(member.path("status").asText()));
  }

  /** Every member that it knows, whatever its state. */
  public List<String> allMembers() throws IOException {
    return ids(status().path("control").path("members"), member -> true);
  }

  /** The gateways to which it has a link. */
  public List<String> links() throws IOException {
    return ids(status().path("links"), link -> link.path("up").asBoolean());
  }

  private static List<String> ids(JsonNode all, java.util.function.Predicate<JsonNode> wanted) {
    List<String> ids = new ArrayList<>();
    for (JsonNode each : all) {
      if (wanted.test(each)) {
        ids.add(each.path("id").asText());
      }
    }
    return ids.stream().sorted().toList();
  }

  /** All sessions, from the pages of the list. */
  public List<JsonNode> sessions() throws IOException {
    List<JsonNode> all = new ArrayList<>();
    String after = "";
    while (true) {
      JsonNode page = json("GET", "/api/v1/sessions" + (after.isEmpty() ? "" : "?after=" + after));
      StreamSupport.stream(page.path("sessions").spliterator(), false).forEach(all::add);
      if (!page.path("more").asBoolean()) {
        return all;
      }
      after = all.get(all.size() - 1).path("session").asText();
    }
  }

  /** One session; empty where nobody has heard of it. */
  public Optional<JsonNode> session(String id) throws IOException {
    Answer answer = caller.send("GET", "/api/v1/sessions/" + id, WITHIN);
    return answer.status() == 404 ? Optional.empty() : Optional.of(read("session " + id, answer));
  }

  /**
   * A session as this gateway lists and shows it, without what is measured anew for each answer: at
   * all gateways the same. Empty where nobody has heard of it.
   */
  public Optional<List<JsonNode>> views(String id) throws IOException {
    Optional<JsonNode> shown = session(id);
    Optional<JsonNode> listed =
        sessions().stream().filter(each -> each.path("session").asText().equals(id)).findFirst();
    if (shown.isEmpty() || listed.isEmpty()) {
      return Optional.empty();
    }
    for (JsonNode view : List.of(shown.get(), listed.get())) {
      for (JsonNode tunnel : view.path("tunnels")) {
        ((ObjectNode) tunnel).remove(MEASURED);
      }
    }
    return Optional.of(List.of(shown.get(), listed.get()));
  }

  /** Where events are told, as server-sent events. */
  public URI events() {
    return URI.create("http://127.0.0.1:" + caller.address().getPort() + "/api/v1/events");
  }

  /** The gateways that hold its tunnels, by what this one knows. */
  public List<String> holders(String id) throws IOException {
    List<String> holders = new ArrayList<>();
    for (JsonNode tunnel : session(id).orElseThrow().path("tunnels")) {
      holders.add(tunnel.path("holder").asText());
    }
    return holders;
  }

  /** Orders the end of a session's tunnels, wherever they are. */
  public JsonNode close(String id) throws IOException {
    return json("DELETE", "/api/v1/sessions/" + id);
  }

  /** Orders a new control plane, of this gateway or of all. */
  public void restartControlPlane(boolean all) throws IOException {
    json("POST", "/api/v1/control-plane/restart?all=" + all);
  }

  /** Has the gateway go, and its process end. */
  public void drain() throws IOException {
    json("POST", "/api/v1/drain");
  }

  private JsonNode json(String method, String path) throws IOException {
    return read(method + " " + path, caller.send(method, path, WITHIN));
  }

  private static JsonNode read(String what, Answer answer) throws IOException {
    if (answer.status() >= 300) {
      throw new IOException(what + ": " + answer.status() + " " + answer.text());
    }
    return JSON.readTree(answer.body());
  }
}
