// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TagFilter;

/** The classes in which an engine has found tests, those included whose tests all belong to other lanes. */
final class DiscoveredClasses implements PostDiscoveryFilter {
    private final PostDiscoveryFilter lane;
    private final Set<String> names = new HashSet<>();

    /** Takes the tags of the other lanes. */
    DiscoveredClasses(List<String> tags) {
        lane = TagFilter.excludeTags(tags);
    }

    boolean contains(String name) {
        return names.contains(name);
    }

    @Override
    public FilterResult apply(TestDescriptor test) {
        if (test.isTest() || test.mayRegisterTests()) {
            addClassesOf(test);
        }
        return lane.apply(test);
    }

    private void addClassesOf(TestDescriptor test) {
        if (test.getSource().orElse(null) instanceof ClassSource type) {
            names.add(type.getClassName());
        }
        test.getParent().ifPresent(this::addClassesOf);
    }
}
