// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.http.HttpRefusal;
import dev.meshcni.testkit.promql.Labels;
import dev.meshcni.testkit.promql.Query;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

/** Each query of each panel has data, evaluated for daemons that have had something to do, and for idle ones. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DashboardTest {
    private static final Pattern LEGEND = Pattern.compile("\\{\\{\\s*(\\w+)\\s*}}");

    private JsonNode dashboard;

    @BeforeAll
    void read() throws IOException {
        dashboard = new ObjectMapper().readTree(MonitoringManifests.text("dashboard.json"));
    }

    @TestFactory
    Stream<DynamicTest> everyQueryHasDataWithTheLabelsOfItsLegend() {
        Fleet busy = new Fleet(List.of(), "a", "b");
        busy.pass(Duration.ofMinutes(30), node -> {
            node.add(Outcome.REDIRECTED, "", Duration.ofMillis(20));
            node.add(Outcome.FAILED, "error-100", Duration.ofMillis(2));
            node.metrics().repaired("repair", "success");
            node.metrics().confRewritten();
            node.metrics().httpRefusals("health").accept(HttpRefusal.FULL);
        });
        return targets().stream()
                .map(target -> DynamicTest.dynamicTest(target.path("expr").asText(), () -> {
                    Map<Labels, Double> values = values(busy, target);
                    assertThat(values).isNotEmpty();
                    assertThat(values.values())
                            .allSatisfy(value -> assertThat(value).isFinite());
                    assertThat(LEGEND.matcher(target.path("legendFormat").asText())
                                    .results())
                            .allSatisfy(label -> assertThat(values.keySet())
                                    .allSatisfy(labels -> assertThat(labels.value(label.group(1)))
                                            .isNotEmpty()));
                }));
    }

    /** A panel that says "no data" looks broken, or hides that nothing happens. */
    @TestFactory
    Stream<DynamicTest> everyQueryHasASeriesWhereNothingHasHappenedYet() {
        Fleet idle = new Fleet(List.of(), "a");
        idle.pass(Duration.ofMinutes(30), _ -> {});
        return targets().stream()
                .map(target -> DynamicTest.dynamicTest(
                        target.path("expr").asText(),
                        () -> assertThat(values(idle, target)).isNotEmpty()));
    }

    @Test
    void aNodeThatIsNotReadyIsCounted() {
        Fleet fleet = new Fleet(List.of(), "a", "b", "c");
        fleet.first().metrics().installReady(false);
        fleet.pass(Duration.ofMinutes(1), _ -> {});

        JsonNode panel = dashboard.path("panels").get(0);
        assertThat(values(fleet, panel.path("targets").get(0)).values()).containsExactly(1.0);
        assertThat(values(fleet, panel.path("targets").get(1)).values()).containsExactly(3.0);
    }

    @Test
    void everyQueryHasASeriesOnNodesWithoutAmbientMode() {
        Fleet fleet = Fleet.withoutMesh(List.of(), "a");
        fleet.pass(Duration.ofMinutes(30), _ -> {});

        assertThat(targets())
                .allSatisfy(target -> assertThat(values(fleet, target))
                        .as(target.path("expr").asText())
                        .isNotEmpty());
    }

    @Test
    void everyPanelHasATitleAndAUnit() {
        assertThat(dashboard.path("panels")).isNotEmpty().allSatisfy(panel -> {
            assertThat(panel.path("title").asText()).isNotBlank();
            assertThat(panel.at("/fieldConfig/defaults/unit").asText()).isNotBlank();
        });
        assertThat(dashboard.path("panels").findValuesAsText("id")).doesNotHaveDuplicates();
    }

    private static Map<Labels, Double> values(Fleet fleet, JsonNode target) {
        return Query.of(target.path("expr").asText()).evaluate(fleet.store(), fleet.now());
    }

    private List<JsonNode> targets() {
        List<JsonNode> targets = new ArrayList<>();
        dashboard.path("panels").forEach(panel -> panel.path("targets").forEach(targets::add));
        assertThat(targets).hasSizeGreaterThan(10);
        return targets;
    }
}
