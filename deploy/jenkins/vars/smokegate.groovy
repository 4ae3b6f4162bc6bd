import hudson.model.Result
import jenkins.model.CauseOfInterruption
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Verifies a deployment and returns the verdict, 'proceed' or 'monitor', where the pipeline goes on.
 *
 *   smokegate url: 'https://api.example.com', expectVersion: 'auto'
 *
 * Otherwise it ends the pipeline: 'investigate' as UNSTABLE, the rest as FAILURE. It needs smokegate
 * on the agent, or `program`, and the plugins Pipeline and JUnit.
 */
String call(Map options) {
    String results = "smokegate-${UUID.randomUUID()}"
    String command = commandOf(options, results)
    int code
    try {
        code = sh(label: 'smokegate', returnStatus: true, script: command)
        // What the run found is its verdict's to say, not the number of failed tests.
        junit(testResults: "${results}/*.xml", allowEmptyResults: true, skipMarkingBuildUnstable: true)
        archiveArtifacts(artifacts: "${results}/*", allowEmptyArchive: true)
    } finally {
        dir(results) { deleteDir() }
    }
    return ended(code)
}

private String ended(int code) {
    switch (code) {
        case 0:
            return 'proceed'
        case 5:
            unstable('smokegate: monitor: the release may go on, watched')
            return 'monitor'
        case 10:
            unstable('smokegate: investigate: somebody should look before the release goes on')
            throw new FlowInterruptedException(Result.UNSTABLE, new CauseOfInterruption[0])
        case 20:
            error('smokegate: roll the release back')
        case 30:
            error('smokegate: inconclusive: the answer is missing')
        case 2:
            error('smokegate: it could not begin; the log says why')
        default:
            error("smokegate: it ended with ${code}, which is no verdict")
    }
}

private String commandOf(Map options, String results) {
    Map flags = [
        url: '--url', environment: '--environment', expectVersion: '--expect-version',
        baseline: '--baseline', saveBaseline: '--save-baseline'
    ]
    List words = [options.program ?: 'smokegate', 'run', options.suites ?: 'tests/smoke']
    for (name in options.keySet()) {
        if (flags.containsKey(name)) {
            // As env.TAG_NAME is where there is no tag; a target must not be missing.
            if (options[name] != null || name == 'url') {
                words += [flags[name], options[name]]
            }
        } else if (!(name in ['program', 'suites', 'act'])) {
            error("smokegate: there is no option '${name}'")
        }
    }
    words += ['--results', results, '--strict']
    if (options.act) {
        words << '--act'
    }
    String command = ''
    for (word in words) {
        command += " '" + word.toString().replace("'", "'\\''") + "'"
    }
    return command.trim()
}
