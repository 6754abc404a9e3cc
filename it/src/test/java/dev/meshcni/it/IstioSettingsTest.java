// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.it.IstioSettings.Setting;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every setting that Istio publishes is taken by the chart and by {@code meshcni manifest}, and means the same to both.
 */
@Slow
class IstioSettingsTest {
    private static final long SEED = 20;
    private static final int FILES = 200;
    private static final String NAMESPACE = "mesh";

    /** What settings depend on that have no effect alone. */
    private static final Map<String, Map<String, Object>> DEPENDS = Map.ofEntries(
            Map.entry("values.cni.ambient.dnsCapture", Map.of("cni.ambient.enabled", "true")),
            Map.entry("values.cni.ambient.enablementSelectors", Map.of("cni.ambient.enabled", "true")),
            Map.entry("values.cni.ambient.ipv6", Map.of("cni.ambient.enabled", "true")),
            Map.entry("values.cni.istioOwnedCNIConfigFileName", Map.of("cni.istioOwnedCNIConfig", "true")),
            Map.entry("values.cni.podMonitor.interval", Map.of("cni.podMonitor.enabled", "true")),
            Map.entry("values.cni.podMonitor.labels", Map.of("cni.podMonitor.enabled", "true")),
            Map.entry("values.cni.prometheusRule.labels", Map.of("cni.prometheusRule.enabled", "true")),
            Map.entry("values.cni.prometheusRule.runbookUrl", Map.of("cni.prometheusRule.enabled", "true")),
            Map.entry("values.cni.provider", Map.of("cni.chained", "false")),
            Map.entry("values.cni.repair.deletePods", Map.of("cni.repair.repairPods", "false")),
            Map.entry("values.cni.repair.labelPods", Map.of("cni.repair.repairPods", "false")),
            Map.entry("values.cni.resourceQuotas.pods", Map.of("cni.resourceQuotas.enabled", "true")),
            Map.entry("values.global.istioNamespace", Map.of("cni.ambient.enabled", "true")),
            Map.entry("values.sidecarInjectorWebhook.injectedAnnotations", Map.of("cni.chained", "false")));

    /** Settings that decide elsewhere than in the resources of a chart. */
    private static final Set<String> NO_RESOURCE = Set.of("values.istio_cni.enabled", "values.pilot.cni.enabled");

    @TempDir
    private Path directory;

    private final Random random = new Random(SEED);

    @TestFactory
    Stream<DynamicTest> everyValueMeansTheSameToBoth() {
        return IstioSettings.all().stream()
                .filter(Setting::isValue)
                .map(setting -> DynamicTest.dynamicTest(setting.path(), () -> {
                    Map<String, Object> settings = new TreeMap<>(DEPENDS.getOrDefault(setting.path(), Map.of()));
                    RenderedManifests usual = RenderedManifests.ofCommand(NAMESPACE, yaml(settings));
                    boolean decides = false;
                    for (String sample : samples(setting)) {
                        settings.put(setting.path().substring("values.".length()), sample);
                        String file = yaml(settings);
                        RenderedManifests byCommand = RenderedManifests.ofCommand(NAMESPACE, file);
                        assertThat(RenderedManifests.ofChart(directory, NAMESPACE, file))
                                .as(file)
                                .isEqualTo(byCommand);
                        decides |= !byCommand.equals(usual);
                    }
                    assertThat(decides).isEqualTo(setting.decides() && !NO_RESOURCE.contains(setting.path()));
                }));
    }

    @TestFactory
    Stream<DynamicTest> noFieldOfTheSpecIsRefused() {
        return IstioSettings.all().stream()
                .map(setting -> DynamicTest.dynamicTest(setting.path(), () -> {
                    for (String sample : setting.samples()) {
                        Map<String, Object> spec = new TreeMap<>(Map.of("components.cni.enabled", "true"));
                        if (!setting.path().equals("components.cni.enabled")) {
                            spec.put(setting.path(), sample);
                        }
                        assertThat(RenderedManifests.ofCommand(NAMESPACE, operator(spec))
                                        .resources())
                                .as(sample)
                                .isNotEmpty();
                    }
                }));
    }

    @Test
    void generatedFilesMeanTheSameToBoth() throws IOException {
        List<Setting> values =
                IstioSettings.all().stream().filter(Setting::isValue).toList();
        List<Setting> others = IstioSettings.all().stream()
                .filter(setting ->
                        setting.use().equals("other") || setting.use().equals("ignored"))
                .filter(setting -> !setting.isValue())
                .toList();
        for (int i = 0; i < FILES; i++) {
            Map<String, Object> chosen = chosen(values, 1 + random.nextInt(25));
            // A copy of the base CNI's file needs a chained plugin.
            if (chosen.containsKey("values.cni.istioOwnedCNIConfig")) {
                chosen.put("values.cni.chained", "true");
            }
            boolean isOperator = i % 2 == 0;
            String chart = yaml(shaped(chosen, !isOperator && i % 3 == 0));
            String given = chart;
            if (isOperator) {
                Map<String, Object> spec = chosen(others, random.nextInt(6));
                spec.putAll(chosen);
                spec.put("components.cni.enabled", "true");
                spec.put("components.cni.namespace", NAMESPACE);
                given = operator(spec);
            }
            RenderedManifests byCommand = RenderedManifests.ofCommand(NAMESPACE, given);
            assertThat(RenderedManifests.ofChart(directory, NAMESPACE, chart))
                    .as("seed %d, file %d:%n%s%nand%n%s", SEED, i, given, chart)
                    .isEqualTo(byCommand);
        }
    }

    /** All values of a setting that decides, one of any other. */
    private List<String> samples(Setting setting) {
        List<String> samples = setting.samples();
        return setting.decides() ? samples : List.of(samples.get(random.nextInt(samples.size())));
    }

    /** Some settings with a value each, none of which is above another. */
    private Map<String, Object> chosen(List<Setting> settings, int number) {
        List<Setting> shuffled = new ArrayList<>(settings);
        Collections.shuffle(shuffled, random);
        Map<String, Object> chosen = new TreeMap<>();
        Set<String> taken = new HashSet<>();
        for (Setting setting : shuffled.subList(0, number)) {
            boolean free = taken.stream()
                    .noneMatch(path -> (path + ".").startsWith(setting.path() + ".")
                            || (setting.path() + ".").startsWith(path + "."));
            if (free) {
                List<String> samples = setting.samples();
                chosen.put(setting.path(), samples.get(random.nextInt(samples.size())));
                taken.add(setting.path());
            }
        }
        return chosen;
    }

    /**
     * Values as a file has them: below cni or at the top level, at random, or some as in a copy of Istio's defaults.
     */
    private Map<String, Object> shaped(Map<String, Object> chosen, boolean copied) {
        // At the top level this one is istiod's.
        Set<String> top = new HashSet<>(Set.of("nodeSelector"));
        IstioSettings.all().forEach(setting -> {
            String[] keys = setting.path().split("\\.", -1);
            if (setting.isValue()) {
                top.add(keys[1]);
            }
        });
        Map<String, Object> shaped = new TreeMap<>();
        chosen.forEach((path, value) -> {
            String below = path.substring("values.".length());
            boolean isCni = below.startsWith("cni.");
            boolean flat = isCni && random.nextBoolean() && !top.contains(below.split("\\.", -1)[1]);
            String key = flat ? below.substring("cni.".length()) : below;
            shaped.put(copied && isCni && random.nextBoolean() ? "_internal_defaults_do_not_set." + key : key, value);
        });
        return shaped;
    }

    private static String operator(Map<String, Object> spec) {
        Map<String, Object> below = new TreeMap<>();
        spec.forEach((path, value) -> below.put("spec." + path, value));
        return "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n" + yaml(below);
    }

    /** Settings by path as one YAML document. */
    private static String yaml(Map<String, Object> settings) {
        Map<String, Object> tree = new TreeMap<>();
        settings.forEach((path, value) -> put(tree, List.of(path.split("\\.", -1)), value));
        StringBuilder yaml = new StringBuilder();
        write(tree, "", yaml);
        return yaml.isEmpty() ? "{}\n" : yaml.toString();
    }

    @SuppressWarnings("unchecked")
    private static void put(Map<String, Object> tree, List<String> path, Object value) {
        if (path.size() == 1) {
            tree.put(path.getFirst(), value);
        } else {
            put(
                    (Map<String, Object>) tree.computeIfAbsent(path.getFirst(), _ -> new TreeMap<>()),
                    path.subList(1, path.size()),
                    value);
        }
    }

    private static void write(Map<String, Object> tree, String indent, StringBuilder yaml) {
        tree.forEach((key, value) -> {
            yaml.append(indent).append(key).append(':');
            if (value instanceof Map<?, ?> below) {
                yaml.append('\n');
                Map<String, Object> sorted = new TreeMap<>();
                below.forEach((name, part) -> sorted.put((String) name, part));
                write(sorted, indent + "  ", yaml);
            } else {
                yaml.append(' ').append(value).append('\n');
            }
        });
    }
}
