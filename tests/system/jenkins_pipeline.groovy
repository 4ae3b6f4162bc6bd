// A pipeline as far as the step asks for one: `args` are the step, what is asked of it as JSON, and
// the file in which the stand-in notes its arguments. Prints for each how the step ended.
import groovy.json.JsonOutput
def results = []
for (asked in new groovy.json.JsonSlurper().parse(new File(args[1]))) {
    def steps = []
    def binding = new Binding()
    binding.sh = { Map given ->
        def builder = new ProcessBuilder('sh', '-c', given.script)
        builder.environment().put('CODE', asked.code.toString())
        builder.start().waitFor()
    }
    binding.junit = { Map given ->
        steps << "junit ${given.testResults} ${given.skipMarkingBuildUnstable}"
    }
    binding.archiveArtifacts = { Map given -> steps << "archive ${given.artifacts}" }
    binding.unstable = { words -> steps << 'unstable' }
    binding.error = { words -> throw new IllegalStateException(words) }
    binding.deleteDir = { -> steps << 'deleteDir' }
    binding.dir = { name, body -> body() }
    def step = new GroovyShell(this.class.classLoader, binding).parse(new File(args[0]))
    def end = [:]
    try {
        end.returned = step.call(asked.options)
    } catch (org.jenkinsci.plugins.workflow.steps.FlowInterruptedException ended) {
        end.interrupted = ended.message
    } catch (IllegalStateException ended) {
        end.error = ended.message
    }
    results << [*: end, steps: steps.collect { it.toString() }, arguments: new File(args[2]).text]
}
println JsonOutput.toJson(results)
