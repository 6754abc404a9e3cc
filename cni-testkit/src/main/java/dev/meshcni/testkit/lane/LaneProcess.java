// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** One of the JVMs of {@link FastLane}: runs batch after batch, and writes what became of each class. */
final class LaneProcess {
    private final Path directory;
    private final List<String> otherLanes;
    private final Batches batches;
    private final Launcher launcher = LauncherFactory.create();

    private LaneProcess(Path directory, List<String> otherLanes) {
        this.directory = directory;
        this.otherLanes = otherLanes;
        this.batches = new Batches(directory);
    }

    /** Takes the directory of the batches, and the tags of the other lanes. */
    public static void main(String[] arguments) throws Exception {
        List<String> all = List.of(arguments);
        new LaneProcess(Path.of(all.getFirst()), all.subList(1, all.size())).run();
        // Tests may have left threads.
        System.exit(0);
    }

    private void run() throws IOException, ClassNotFoundException {
        JvmState start = new JvmState();
        for (Optional<Batch> batch = batches.take(); batch.isPresent(); batch = batches.take()) {
            run(batch.get());
            start.restore();
        }
    }

    private void run(Batch batch) throws IOException, ClassNotFoundException {
        DiscoveredClasses discovered = new DiscoveredClasses(otherLanes);
        ResultListener listener = new ResultListener();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(batch.classes().stream()
                        .map(DiscoverySelectors::selectClass)
                        .toList())
                .filters(discovered)
                .enableImplicitConfigurationParameters(false)
                .configurationParameters(configuration(batch))
                .build();
        launcher.execute(request, listener);

        Map<String, ClassResult> ran =
                listener.results().stream().collect(Collectors.toMap(ClassResult::name, Function.identity()));
        for (String name : batch.classes()) {
            if (discovered.contains(name) || isAbstract(name)) {
                ran.putIfAbsent(name, new ClassResult(name, 0, 0, 0, 0));
            }
        }
        batches.write(batch, List.copyOf(ran.values()), listener.failures());
    }

    /**
     * That of the other lanes, but jqwik reports to the listener, and has a database for each batch, which no two
     * processes may share.
     */
    private Map<String, String> configuration(Batch batch) throws IOException {
        Properties properties = new Properties();
        try (InputStream input = LaneProcess.class.getResourceAsStream("/junit-platform.properties")) {
            properties.load(input);
        }
        Map<String, String> configuration = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> configuration.put(name, properties.getProperty(name)));
        configuration.put("jqwik.reporting.usejunitplatform", "true");
        configuration.put(
                "jqwik.database", directory.resolve("jqwik-" + batch.name()).toString());
        return configuration;
    }

    private static boolean isAbstract(String name) throws ClassNotFoundException {
        Class<?> type = Class.forName(name, false, LaneProcess.class.getClassLoader());
        return Modifier.isAbstract(type.getModifiers());
    }
}
