package dev.warren.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.relay.RelayBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The tables of PROTOCOL.md say what the code does. */
class SpecificationTest {
  private static List<String> section(int number) throws IOException {
    List<String> lines = new ArrayList<>();
    boolean inside = false;
    for (String line : Files.readAllLines(Path.of("PROTOCOL.md"))) {
      if (line.startsWith("## ")) {
        inside = line.startsWith("## " + number + ". ");
      } else if (inside) {
        lines.add(line);
      }
    }
    assertTrue(!lines.isEmpty(), "section " + number);
    return lines;
  }

  /** The rows of a section's table, without its head. */
  private static List<String[]> table(int number) throws IOException {
    List<String[]> rows = new ArrayList<>();
    for (String line : section(number)) {
      if (line.startsWith("| ")) {
        rows.add(line.substring(2, line.length() - 2).split(" \\| ", -1));
      }
    }
    return rows.subList(2, rows.size());
  }

  @Test
  void faultCodesAreThoseOfTheCode() throws IOException {
    List<String> documented = new ArrayList<>();
    for (String[] row : table(7)) {
      assertEquals(5, row.length, String.join(" | ", row));
      assertTrue(row[2].matches("(dial|stream|tunnel)(, (dial|stream|tunnel))*"), row[2]);
      documented.add(row[0] + " " + row[1] + " " + row[3]);
    }
    List<String> real = new ArrayList<>();
    for (FaultCode code : FaultCode.values()) {
      real.add(code.number() + " " + code + " " + (code.retryable() ? "yes" : "no"));
      assertEquals(code, FaultCode.of(code.number()));
    }
    assertEquals(real, documented);
    assertEquals(FaultCode.INTERNAL, FaultCode.of(59));
  }

  @Test
  void limitsAreThoseOfTheCode() throws IOException {
    Map<String, Long> real = new TreeMap<>();
    real.put("header of a frame", (long) FrameReader.MAX_HEADER_BYTES);
    real.put("payload of a frame", (long) FrameReader.MAX_PAYLOAD_BYTES);
    real.put("smallest max_data_bytes", (long) MuxSettings.LEAST_MAX_DATA_BYTES);
    real.put("default max_data_bytes", (long) MuxSettings.DEFAULT_MAX_DATA_BYTES);
    real.put("default max_open_streams", (long) MuxSettings.DEFAULT_MAX_OPEN_STREAMS);
    real.put("default max_pending_streams", (long) MuxSettings.DEFAULT_MAX_PENDING_STREAMS);
    real.put("attributes", (long) FrameCodec.MAX_ATTRIBUTES_BYTES);
    real.put("text", (long) FrameCodec.MAX_TEXT);
    real.put("target", (long) Target.MAX_TEXT_BYTES);
    real.put("gateways", (long) FrameCodec.MAX_GATEWAYS);
    real.put("capabilities", (long) FrameCodec.MAX_CAPABILITIES);
    real.put("cluster path", (long) FrameCodec.MAX_CLUSTER_PATH);
    real.put("message of a link", (long) FrameCodec.MAX_PEERING_BYTES);
    real.put("rank mac", (long) FrameCodec.MAX_MAC_BYTES);
    real.put("waiting refusals", (long) Mux.MAX_WAITING_REFUSALS);
    real.put("waiting tunnel frames", (long) Mux.MAX_WAITING_TUNNEL_FRAMES);
    real.put("first window", (long) CreditBudget.FIRST_WINDOW);
    real.put("careful window", (long) CreditBudget.CAREFUL_WINDOW);
    real.put("smallest window", (long) CreditBudget.SMALLEST_WINDOW);
    real.put("largest window", (long) CreditBudget.LARGEST_WINDOW);
    real.put("near relay window", (long) RelayBudget.NEAR_WINDOW);
    real.put("largest relay window", (long) RelayBudget.LARGEST_WINDOW);
    real.put("relayed frames with additions", (long) RelayBudget.WHOLE_ROOM);
    real.put("first relay window", (long) RelayBudget.FIRST_WINDOW);
    real.put("smallest relay window", (long) RelayBudget.SMALLEST_WINDOW);
    real.put("relay budget per tunnel", RelayBudget.DEFAULT_PER_TUNNEL);
    real.put("WebSocket frame", (long) Tunnels.MAX_WEB_SOCKET_FRAME_BYTES);
    Map<String, Long> documented = new TreeMap<>();
    for (String[] row : table(11)) {
      documented.put(row[0], Long.parseLong(row[1].replaceAll("[^0-9]", "")));
    }
    assertEquals(real, documented);
  }

  @Test
  void sectionsThatTheCodeCitesExist() throws IOException {
    for (int number = 1; number <= 12; number++) {
      section(number);
    }
  }
}
